// SPDX-License-Identifier: Apache-2.0
#include "agent/idle_pages.h"

#include <malloc.h>
#include <sys/mman.h>

#include <charconv>
#include <fstream>
#include <string>

namespace gpuscale::agent {

bool parse_mapping_head(std::string_view line, Mapping& mapping) {
  const char* const end = line.data() + line.size();
  Mapping head;
  const auto first = std::from_chars(line.data(), end, head.begin, 16);
  if (first.ec != std::errc{} || first.ptr == end || *first.ptr != '-') return false;
  const auto second = std::from_chars(first.ptr + 1, end, head.end, 16);
  constexpr std::ptrdiff_t kPermissions = 5;  // " r-xp"
  if (second.ec != std::errc{} || end - second.ptr < kPermissions || *second.ptr != ' ') return false;
  head.is_writable = second.ptr[2] == 'w';
  head.is_file = line.find(" /") != std::string_view::npos;
  mapping = head;
  return true;
}

void read_mapping_detail(std::string_view line, Mapping& mapping) {
  for (const std::string_view kind : {"Private_Dirty:", "Shared_Dirty:", "Anonymous:", "Swap:", "Locked:"}) {
    if (!line.starts_with(kind)) continue;
    const std::size_t digit = line.find_first_not_of(' ', kind.size());
    if (digit == std::string_view::npos || line[digit] != '0') mapping.is_dirty = true;
  }
}

void release_idle_pages() {
  ::malloc_trim(0);
  std::ifstream smaps("/proc/self/smaps");
  const auto release = [](const Mapping& mapping) {
    if (!mapping.is_file || mapping.is_writable || mapping.is_dirty || mapping.end <= mapping.begin) return;
    ::madvise(reinterpret_cast<void*>(mapping.begin), mapping.end - mapping.begin, MADV_DONTNEED);
  };
  Mapping mapping;
  mapping.is_dirty = true;
  std::string line;
  while (std::getline(smaps, line)) {
    Mapping next;
    if (parse_mapping_head(line, next)) {
      release(mapping);
      mapping = next;
    } else {
      read_mapping_detail(line, mapping);
    }
  }
  release(mapping);
}

}  // namespace gpuscale::agent
