// SPDX-License-Identifier: Apache-2.0
#include "api/console_files.h"

// GPUSCALE_CONSOLE_PACK is the path of the file that console/pack.mjs wrote.
asm(".pushsection .rodata\n"
    ".global gpuscale_console_pack_begin\n"
    "gpuscale_console_pack_begin:\n"
    ".incbin \"" GPUSCALE_CONSOLE_PACK
    "\"\n"
    ".global gpuscale_console_pack_end\n"
    "gpuscale_console_pack_end:\n"
    ".popsection\n");
extern "C" const char gpuscale_console_pack_begin[];
extern "C" const char gpuscale_console_pack_end[];

namespace gpuscale::api {

std::string_view console_pack() {
  return {gpuscale_console_pack_begin,
          static_cast<std::size_t>(gpuscale_console_pack_end - gpuscale_console_pack_begin)};
}

}  // namespace gpuscale::api
