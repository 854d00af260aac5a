# gpuscale_room(NAME name SOURCES ... [LINKS rooms-above-and-libraries ...] [PRIVATE_LINKS libraries ...]
#               [TESTS test-sources ...] [TEST_LINKS ...] [TEST_LABELS ...])
#
# One folder under src/ = one static library gpuscale_<name> = one namespace. A room links only what it
# names; rooms come from above it in src/CMakeLists.txt, so an upward link fails at configure time.
function(gpuscale_room)
  cmake_parse_arguments(ROOM "" "NAME" "SOURCES;LINKS;PRIVATE_LINKS;TESTS;TEST_LINKS;TEST_LABELS" ${ARGN})
  set(target gpuscale_${ROOM_NAME})
  foreach(link IN LISTS ROOM_LINKS ROOM_PRIVATE_LINKS)
    if(link MATCHES "^gpuscale_" AND NOT TARGET ${link})
      message(FATAL_ERROR "${target} links ${link}, which does not stand above it in src/CMakeLists.txt")
    endif()
  endforeach()
  if(ROOM_SOURCES)
    add_library(${target} STATIC ${ROOM_SOURCES})
    target_link_libraries(${target} PUBLIC gpuscale_flags ${ROOM_LINKS} PRIVATE ${ROOM_PRIVATE_LINKS})
  else()
    add_library(${target} INTERFACE)
    target_link_libraries(${target} INTERFACE gpuscale_flags ${ROOM_LINKS})
  endif()
  if(BUILD_TESTING AND ROOM_TESTS)
    gpuscale_test(NAME ${ROOM_NAME} SOURCES ${ROOM_TESTS} LINKS ${target} ${ROOM_TEST_LINKS}
                  LABELS ${ROOM_NAME} ${ROOM_TEST_LABELS})
  endif()
endfunction()

# gpuscale_test(NAME name SOURCES ... LINKS ... LABELS ...): one test binary, each case its own ctest test.
function(gpuscale_test)
  cmake_parse_arguments(T "" "NAME" "SOURCES;LINKS;LABELS" ${ARGN})
  set(target gpuscale_${T_NAME}_tests)
  add_executable(${target} ${T_SOURCES})
  target_link_libraries(${target} PRIVATE ${T_LINKS} GTest::gmock GTest::gtest_main)
  set_target_properties(${target} PROPERTIES GPUSCALE_IS_TEST ON)
  if("threads" IN_LIST T_LABELS)
    if(NOT TARGET gpuscale_thread_tests)
      add_custom_target(gpuscale_thread_tests)  # what ThreadSanitizer runs
    endif()
    add_dependencies(gpuscale_thread_tests ${target})
  endif()
  # One label, "http-threads": of a list gtest_discover_tests keeps the first alone. ctest -L matches any part of it.
  string(JOIN "-" label ${T_LABELS})
  gtest_discover_tests(${target} TEST_PREFIX "${T_NAME}/" DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60
                       PROPERTIES LABELS "${label}" TIMEOUT 120)
endfunction()
