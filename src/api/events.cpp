// SPDX-License-Identifier: Apache-2.0
#include "api/answers.h"
#include "api/event_hub.h"
#include "api/text.h"

namespace gpuscale::api {

void register_events(Routes& routes) {
  Services& services = routes.services();
  routes.add(
      {.method = http::Method::kGet,
       .pattern = "/api/v1/events",
       .scope = Scope::kRead,
       .summary = "Live activity as server-sent events; the header Last-Event-ID resumes after that entry",
       .query = {{"last_event_id", "integer", "as the header, for clients that cannot set one"}}},
      [&services](const http::Request& request, const Principal&) {
        std::string place(request.headers.get("Last-Event-ID"));
        if (place.empty()) place = request.query.get_or("last_event_id", "");
        const auto after = parse_digits<std::int64_t>(place);
        if (!place.empty() && !after) {
          return error_answer(
              fail(Errc::kInvalidArgument, "Last-Event-ID must be the id of an activity entry"));
        }
        http::Response response;
        response.headers.set("Content-Type", "text/event-stream");
        response.headers.set("Cache-Control", "no-store");
        response.headers.set("X-Accel-Buffering", "no");  // nginx would hold events back
        response.stream = [&hub = services.events, after](std::shared_ptr<http::StreamWriter> writer) {
          if (const auto attached = hub.attach(writer, after); !attached) {
            writer->write(": " + attached.error().message() + "\n\n");
            writer->finish();
          }
        };
        return response;
      });
}

}  // namespace gpuscale::api
