// SPDX-License-Identifier: Apache-2.0
//
// Orphans are objects of blocks and roll-ups that the manifest does not name: their writer died before the delta, or
// they have been removed by a delta and their deletion was cut short. Who opens a tenant deletes them.
//
//   Manifest manifest = TRY(Manifest::open(objects, manifest_prefix(tenant)));
//   for (const std::string& name : TRY(orphans(objects, tenant, manifest.state()))) TRY(objects.remove(name));
//
// Ask right after opening and before the first new object is put: an object whose delta is still to come looks like an
// orphan. What has no name of a block or roll-up is left alone.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "object/object_store.h"
#include "store/manifest.h"

namespace clew::store {

Result<std::vector<std::string>> orphans(object::ObjectStore& objects, const std::string& tenant,
                                         const ManifestState& state);

}  // namespace clew::store
