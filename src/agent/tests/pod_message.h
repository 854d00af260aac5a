// SPDX-License-Identifier: Apache-2.0
/// kubelet's messages, written byte by byte as its protocol has them.
#pragma once
#include <string>
#include <vector>

namespace gpuscale::agent::testing {

inline std::string field(unsigned number, const std::string& bytes) {
  std::string out(1, static_cast<char>(number << 3U | 2U));
  for (std::size_t length = bytes.size(); true; length >>= 7U) {
    const auto low = static_cast<unsigned char>(length & 0x7fU);
    out += static_cast<char>(length > 0x7f ? low | 0x80U : low);
    if (length <= 0x7f) break;
  }
  return out + bytes;
}

inline std::string devices(const std::string& resource, const std::vector<std::string>& ids) {
  std::string out = field(1, resource);
  for (const std::string& id : ids) out += field(2, id);
  return out;
}

/// `parts`: devices(), or fields of later versions as they are.
inline std::string container(const std::string& name, const std::vector<std::string>& parts) {
  std::string out = field(1, name);
  for (const std::string& part : parts) out += part[0] == '\x0a' ? field(2, part) : part;
  return out;
}

inline std::string pod(const std::string& name, const std::string& pod_namespace,
                       const std::vector<std::string>& containers) {
  std::string out = field(1, name) + field(2, pod_namespace);
  for (const std::string& each : containers) out += field(3, each);
  return field(1, out);
}

}  // namespace gpuscale::agent::testing
