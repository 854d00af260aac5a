// SPDX-License-Identifier: Apache-2.0
/// Any bytes as a query string, a URL, a gzip body: must not crash, and a parsed query reads the same once
/// encoded.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "http/client.h"
#include "http/message.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gpuscale::http;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const QueryParams params = QueryParams::parse(text);
  if (QueryParams::parse(params.encode()).items() != params.items()) std::abort();
  if (url_decode(url_encode(text)) != text) std::abort();
  const std::string shown = redact_url(text);
  const auto unpacked = gunzip(text, 1U << 20U);
  return shown.size() + (unpacked ? unpacked->size() : 0) == SIZE_MAX ? 1 : 0;
}
