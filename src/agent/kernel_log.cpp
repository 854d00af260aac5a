// SPDX-License-Identifier: Apache-2.0
#include "agent/kernel_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

namespace gpuscale::agent {
namespace {

constexpr std::size_t kMostRecordBytes = 8192;  // the kernel's own bound, CONSOLE_EXT_LOG_MAX
constexpr int kMostRecordsAtOnce = 1'000;
constexpr std::size_t kMostKinds = 1'024;

}  // namespace

std::optional<KernelXid> xid_in_record(std::string_view record) {
  constexpr std::string_view kMark = ";NVRM: Xid (PCI:";
  const std::size_t mark = record.find(kMark);
  if (mark == std::string_view::npos) return std::nullopt;
  const std::string_view rest = record.substr(mark + kMark.size());
  constexpr std::string_view kAfterBus = "): ";
  const std::size_t bus_end = rest.find(kAfterBus);
  constexpr std::size_t kMostBus = 32;
  if (bus_end == 0 || bus_end > kMostBus) return std::nullopt;
  KernelXid xid{std::string(rest.substr(0, bus_end)), 0};
  const std::string_view number = rest.substr(bus_end + kAfterBus.size());
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), xid.code);
  if (error != std::errc{} || xid.code <= 0) return std::nullopt;
  return xid;
}

KernelLog::KernelLog(log::Log log, const char* path)
    : log_(std::move(log)), file_(::open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)) {
  if (file_ < 0) {
    log_.info("kernel_log.unread", {{"file", path}, {"error", std::strerror(errno)}});
    return;
  }
  ::lseek(file_, 0, SEEK_END);
}

KernelLog::~KernelLog() {
  if (file_ >= 0) ::close(file_);
}

void KernelLog::drain() {
  std::array<char, kMostRecordBytes> record{};
  for (int i = 0; file_ >= 0 && i < kMostRecordsAtOnce; ++i) {
    const ssize_t size = ::read(file_, record.data(), record.size());
    if (size < 0 && (errno == EPIPE || errno == EINTR)) continue;  // EPIPE: some were overwritten unread
    if (size <= 0) return;
    const auto xid = xid_in_record({record.data(), static_cast<std::size_t>(size)});
    if (!xid || counts_.size() == kMostKinds) continue;
    ++counts_[{xid->pci_bus_id, xid->code}];
    log_.error("gpu.xid", {{"pci_bus_id", xid->pci_bus_id}, {"xid", xid->code}});
  }
}

}  // namespace gpuscale::agent
