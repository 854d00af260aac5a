// SPDX-License-Identifier: Apache-2.0
#include "declare/vault.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace gpuscale::declare {
namespace {

using ::testing::HasSubstr;

class VaultTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/gpuscale-vault-XXXXXX";
    folder_ = ::mkdtemp(name);
    file_ = folder_ + "/secret.key";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string folder_;
  std::string file_;
};

TEST_F(VaultTest, MakesAKeyForItsOwnerAloneAndFindsItAgain) {
  const Vault first = Vault::open(file_, true);
  ASSERT_TRUE(first.key) << first.trouble;
  struct stat status{};
  ASSERT_EQ(::stat(file_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  const Vault second = Vault::open(file_, false);
  ASSERT_TRUE(second.key);
  EXPECT_EQ(second.key->id(), first.key->id());
}

TEST_F(VaultTest, ALostKeyIsNotReplacedBehindAnybodysBack) {
  const Vault vault = Vault::open(file_, false);
  EXPECT_FALSE(vault.key);
  EXPECT_THAT(vault.trouble, HasSubstr("put it back from a backup"));
  EXPECT_FALSE(std::filesystem::exists(file_));
}

TEST_F(VaultTest, SaysWhatIsWrongWithTheFile) {
  std::ofstream(file_) << "not a key\n";
  EXPECT_THAT(Vault::open(file_, true).trouble, HasSubstr("64 hex digits"));
  std::ofstream(file_, std::ios::trunc).flush();
  EXPECT_THAT(Vault::open(file_, true).trouble, HasSubstr("it is empty"));
  EXPECT_THAT(Vault::open(folder_ + "/no/such/folder/key", true).trouble, HasSubstr("cannot make"));
}

}  // namespace
}  // namespace gpuscale::declare
