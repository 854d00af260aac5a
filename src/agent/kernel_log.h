// SPDX-License-Identifier: Apache-2.0
/// Xids in the kernel's log: the driver writes them there also while every call into it hangs.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "log/log.h"

namespace gpuscale::agent {

struct KernelXid {
  std::string pci_bus_id;  ///< "0000:3b:00"
  std::int64_t code = 0;
};
/// From one record of /dev/kmsg, "4,1234,5678,-;NVRM: Xid (PCI:0000:3b:00): 79, pid=..."; empty where it is
/// of something else. Pure.
std::optional<KernelXid> xid_in_record(std::string_view record);

/// Not thread-safe.
class KernelLog {
 public:
  using Counts = std::map<std::pair<std::string, std::int64_t>, std::uint64_t>;  ///< by bus id and code

  /// From now on; where the log may not be read (it takes CAP_SYSLOG), it says so once and counts nothing.
  explicit KernelLog(log::Log log, const char* path = "/dev/kmsg");
  ~KernelLog();
  KernelLog(const KernelLog&) = delete;
  KernelLog& operator=(const KernelLog&) = delete;

  /// Takes what has been logged, without waiting.
  void drain();
  const Counts& counts() const { return counts_; }

 private:
  const log::Log log_;
  int file_;
  Counts counts_;
};

}  // namespace gpuscale::agent
