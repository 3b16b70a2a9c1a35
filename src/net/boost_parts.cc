// SPDX-License-Identifier: Apache-2.0
//
// The bodies of Boost.Asio's and Boost.Beast's functions, compiled here once: the other files of this module see only
// their declarations (BOOST_ASIO_SEPARATE_COMPILATION, BOOST_BEAST_SEPARATE_COMPILATION), which saves most of their
// cost.
#include <boost/asio/impl/src.hpp>
#include <boost/beast/src.hpp>
