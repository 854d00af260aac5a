// SPDX-License-Identifier: Apache-2.0
/// The sampler process as a program of its own, for tests that kill it.
#include "agent/sampler_child.h"

int main(int argc, char** argv) {
  return gpuscale::agent::sampler_main(argc - 2, argv + 2);
}
