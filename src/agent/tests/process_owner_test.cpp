// SPDX-License-Identifier: Apache-2.0
#include "agent/process_owner.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace gpuscale::agent {
namespace {

const std::string kId = "3f4f1c0a9b8d7e6f5a4b3c2d1e0f9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c4d3e2f";

TEST(ProcessOwner, IsReadFromTheGroupsThatEachSystemMakes) {
  struct Case {
    std::string cgroup;
    std::string text;
  };
  const std::vector<Case> cases = {
      {"0::/kubepods.slice/kubepods-burstable.slice/"
       "kubepods-burstable-pod7f1c2d3e_1111_2222_3333_444455556666.slice/cri-containerd-" +
           kId + ".scope\n",
       "pod:7f1c2d3e-1111-2222-3333-444455556666"},
      {"11:memory:/kubepods/besteffort/pod7f1c2d3e-1111-2222-3333-444455556666/" + kId + "\n",
       "pod:7f1c2d3e-1111-2222-3333-444455556666"},
      {"0::/system.slice/docker-" + kId + ".scope\n", "container:3f4f1c0a9b8d"},
      {"4:devices:/docker/" + kId + "\n", "container:3f4f1c0a9b8d"},
      {"0::/machine.slice/libpod-" + kId + ".scope\n", "container:3f4f1c0a9b8d"},
      {"5:devices:/slurm/uid_1000/job_4711/step_0/task_0\n", "slurm:4711"},
      {"0::/system.slice/slurmstepd.scope/job_4711/step_batch/user/task_0\n", "slurm:4711"},
      {"0::/system.slice/ollama.service\n", "unit:ollama.service"},
      {"1:name=systemd:/user.slice/user-1000.slice/user@1000.service/app.slice/x.service\n",
       "unit:x.service"},
      {"0::/user.slice/user-1000.slice/session-3.scope\n", ""},
      {"0::/podcast/job_\n", ""},
      {"", ""},
  };
  for (const Case& each : cases) EXPECT_EQ(owner_from_cgroup(each.cgroup).text(), each.text) << each.cgroup;
}

TEST(ProcessOwner, OfASlurmJobWithoutGroupsOfItsOwnIsInItsEnvironment) {
  using namespace std::string_literals;
  EXPECT_EQ(slurm_job_in("A=1\0SLURM_JOB_ID=4711\0B=2\0"s), "4711");
  EXPECT_EQ(slurm_job_in("XSLURM_JOB_ID=1\0"s), "");
  EXPECT_EQ(slurm_job_in(""), "");
}

TEST(ProcessOwner, OfAProcessThatIsGoneIsUnknown) {
  EXPECT_EQ(owner_of(-1).text(), "");
  EXPECT_NE(owner_of(::getpid()).text(), "");
}

}  // namespace
}  // namespace gpuscale::agent
