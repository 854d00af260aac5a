# The web console, built by npm and packed into one file that the binary carries. The release preset turns it on; the others
# build without node.
option(GPUSCALE_CONSOLE "Build the web console (needs node and npm) and pack it into the binary" OFF)
if(GPUSCALE_CONSOLE)
  find_program(NODE node REQUIRED)
  find_program(NPM npm REQUIRED)
  set(console ${PROJECT_SOURCE_DIR}/console)
  set(console_modules ${console}/node_modules/.package-lock.json)  # npm writes it last
  set(GPUSCALE_CONSOLE_PACK ${CMAKE_BINARY_DIR}/console/console.pack)
  file(GLOB_RECURSE console_sources CONFIGURE_DEPENDS ${console}/src/*.ts ${console}/src/*.tsx ${console}/src/*.css)
  list(FILTER console_sources EXCLUDE REGEX "\\.test\\.ts$")
  add_custom_command(
    OUTPUT ${console_modules}
    COMMAND ${NPM} ci --silent
    DEPENDS ${console}/package-lock.json ${console}/.npmrc
    WORKING_DIRECTORY ${console} COMMENT "Installing what the web console is built from" VERBATIM)
  add_custom_command(
    OUTPUT ${GPUSCALE_CONSOLE_PACK}
    COMMAND ${NPM} run --silent check
    COMMAND ${NPM} run --silent build -- --logLevel warn --emptyOutDir --outDir ${CMAKE_BINARY_DIR}/console/dist
    COMMAND ${NODE} pack.mjs ${CMAKE_BINARY_DIR}/console/dist ${GPUSCALE_CONSOLE_PACK}
    DEPENDS ${console_modules} ${console_sources} ${console}/index.html ${console}/vite.config.ts
            ${console}/tsconfig.json ${console}/package.json ${console}/pack.mjs
    WORKING_DIRECTORY ${console} COMMENT "Building the web console" VERBATIM)
  add_custom_target(gpuscale_console DEPENDS ${GPUSCALE_CONSOLE_PACK})
endif()
