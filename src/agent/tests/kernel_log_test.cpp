// SPDX-License-Identifier: Apache-2.0
#include "agent/kernel_log.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace gpuscale::agent {
namespace {

TEST(KernelLog, KnowsTheDriversXids) {
  const auto xid =
      xid_in_record("4,1234,5678,-;NVRM: Xid (PCI:0000:3b:00): 79, pid='<unknown>', GPU has fallen off\n");
  ASSERT_TRUE(xid);
  EXPECT_EQ(xid->pci_bus_id, "0000:3b:00");
  EXPECT_EQ(xid->code, 79);
  for (const char* other :
       {"", "4,1,2,-;usb 1-1: new device", "4,1,2,-;NVRM: Xid (PCI:", "4,1,2,-;NVRM: Xid (PCI:): 79",
        "4,1,2,-;NVRM: Xid (PCI:0000:3b:00): x", "4,1,2,-;NVRM: Xid (PCI:0000:3b:00): -79",
        "4,1,2,-;printed by a user: NVRM: Xid (PCI:0000:3b:00): 79"}) {
    EXPECT_FALSE(xid_in_record(other)) << other;
  }
}

TEST(KernelLog, CountsWhatIsLoggedFromNowOn) {
  const std::string path = ::testing::TempDir() + "gpuscale_kmsg_" + std::to_string(::getpid());
  std::ofstream file(path);
  file << "4,1,2,-;NVRM: Xid (PCI:0000:3b:00): 31, before" << std::flush;
  KernelLog kernel_log(log::Log::silent(), path.c_str());
  kernel_log.drain();
  EXPECT_TRUE(kernel_log.counts().empty());
  for (int i = 1; i <= 2; ++i) {
    file << "4,3,4,-;NVRM: Xid (PCI:0000:3b:00): 79, twice" << std::flush;
    kernel_log.drain();
  }
  EXPECT_EQ(kernel_log.counts().at({"0000:3b:00", 79}), 2U);
  std::filesystem::remove(path);
}

TEST(KernelLog, ThatMayNotBeReadCountsNothing) {
  KernelLog kernel_log(log::Log::silent(), "/nosuch/kmsg");
  kernel_log.drain();
  EXPECT_TRUE(kernel_log.counts().empty());
}

}  // namespace
}  // namespace gpuscale::agent
