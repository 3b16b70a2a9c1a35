// SPDX-License-Identifier: Apache-2.0
#include "app/logging.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <memory>
#include <string>

#include "base/log.h"
#include "codec/json_writer.h"
#include "platform/system_clock.h"
#include "render/time_text.h"

namespace clew::app {
namespace {

std::shared_ptr<spdlog::logger> logger;
std::atomic<bool> as_json = false;

spdlog::level::level_enum level_of(LogLevel level) {
  switch (level) {
    case LogLevel::Debug:
      return spdlog::level::debug;
    case LogLevel::Info:
      return spdlog::level::info;
    case LogLevel::Warning:
      return spdlog::level::warn;
    case LogLevel::Error:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

std::string_view name_of(LogLevel level) {
  switch (level) {
    case LogLevel::Debug:
      return "debug";
    case LogLevel::Info:
      return "info";
    case LogLevel::Warning:
      return "warning";
    case LogLevel::Error:
      return "error";
  }
  return "error";
}

void write(LogLevel level, std::string_view line) {
  if (!logger->should_log(level_of(level))) return;
  const std::string time = render::time_text(platform::system_clock().now() / kNanosPerMilli * kNanosPerMilli);
  std::string text;
  if (as_json) {
    codec::JsonWriter json(text);
    json.begin_object().key("time").text(time).key("level").text(name_of(level)).key("message").text(line).end_object();
  } else {
    text = time;
    text += ' ';
    text += name_of(level);
    text += ": ";
    text += line;
  }
  logger->log(level_of(level), spdlog::string_view_t(text.data(), text.size()));
}

}  // namespace

void start_logging(std::string_view level, std::string_view format) {
  if (!logger) {
    logger = std::make_shared<spdlog::logger>("clew", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    logger->set_pattern("%v");
    logger->flush_on(spdlog::level::trace);
  }
  // The names of spdlog's levels are those of the setting.
  logger->set_level(spdlog::level::from_str(std::string(level)));
  as_json = format == "json";
  set_log_sink(write);
}

}  // namespace clew::app
