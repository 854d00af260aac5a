# Flags of our own code only; third-party headers arrive as SYSTEM.
option(GPUSCALE_WERROR "Treat warnings as errors" OFF)
option(GPUSCALE_BENCH "Build the benchmarks" OFF)
option(GPUSCALE_FUZZ "Build the libFuzzer targets (needs clang)" OFF)
set(GPUSCALE_SANITIZE "" CACHE STRING "Sanitizers, as -fsanitize= takes them")

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
if(NOT GPUSCALE_SANITIZE)
  set(CMAKE_POSITION_INDEPENDENT_CODE ON)
endif()
# Libraries that only name their objects: a copy of each would be a sixth of a build.
set(CMAKE_CXX_ARCHIVE_CREATE "<CMAKE_AR> qcT <TARGET> <LINK_FLAGS> <OBJECTS>")
set(CMAKE_CXX_ARCHIVE_APPEND "<CMAKE_AR> qT <TARGET> <LINK_FLAGS> <OBJECTS>")
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

add_library(gpuscale_flags INTERFACE)
target_include_directories(gpuscale_flags INTERFACE ${PROJECT_SOURCE_DIR}/src)
target_compile_options(gpuscale_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wnon-virtual-dtor -Wold-style-cast
  $<$<CXX_COMPILER_ID:GNU>:-Wduplicated-cond -Wlogical-op -Wno-psabi>
  # In a unity build the names of one test file would shadow those of the next.
  $<$<NOT:$<BOOL:$<TARGET_PROPERTY:GPUSCALE_IS_TEST>>>:-Wshadow>
  # g++ 12 warns of members that a designated initialiser leaves to their defaults: that is what they are for.
  -Wno-missing-field-initializers
  $<$<BOOL:${GPUSCALE_WERROR}>:-Werror>
  -fstack-protector-strong -fno-omit-frame-pointer)
target_compile_definitions(gpuscale_flags INTERFACE
  _GLIBCXX_ASSERTIONS
  BOOST_ASIO_NO_DEPRECATED
  GPUSCALE_VERSION="${PROJECT_VERSION}"
  $<$<CONFIG:Release,RelWithDebInfo>:_FORTIFY_SOURCE=2>)
if(GPUSCALE_SANITIZE)
  target_compile_options(gpuscale_flags INTERFACE -fsanitize=${GPUSCALE_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(gpuscale_flags INTERFACE -fsanitize=${GPUSCALE_SANITIZE})
  # Programs at fixed addresses: what sanitizers note of the code is a third of a program, and the same again where
  # each address in it is relocated when the program starts.
  target_compile_options(gpuscale_flags INTERFACE
    "$<$<NOT:$<IN_LIST:$<TARGET_PROPERTY:TYPE>,SHARED_LIBRARY;MODULE_LIBRARY>>:-fno-pie>")
  target_link_options(gpuscale_flags INTERFACE $<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>:-no-pie>)
  if(GPUSCALE_SANITIZE MATCHES thread)
    # Asio's fences are unknown to TSan on g++ 12 and raise -Wtsan (docs/architecture.md).
    target_compile_definitions(gpuscale_flags INTERFACE BOOST_ASIO_DISABLE_FENCED_BLOCK)
  endif()
endif()
