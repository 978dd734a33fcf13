# Finds a libtorch of any version from 1.13 on and describes it as the target tfic_libtorch. In this order:
# -DTFIC_LIBTORCH=FOLDER or the environment variable LIBTORCH (an unpacked libtorch, or the torch folder of a Python
# environment), the system's (Debian's libtorch-dev), the torch of the python3 on the path.
#
# Torch's own package file is not used: it insists on the CUDA toolkit, protobuf and MKL that torch was built with,
# of which a caller of the dispatcher needs none.
set(TFIC_LIBTORCH "" CACHE PATH "Folder of a libtorch; empty: LIBTORCH's, the system's or python3's")

unset(TFIC_ATEN_INCLUDE CACHE)
unset(TFIC_LIBTORCH_LIBRARY CACHE)
unset(TFIC_C10_LIBRARY CACHE)
set(tfic_hints "${TFIC_LIBTORCH}")
if(NOT tfic_hints)
  # Read anew each time, not kept in the cache: it may have changed since the last configuration.
  set(tfic_hints "$ENV{LIBTORCH}")
endif()
set(tfic_only)
if(tfic_hints)
  set(tfic_only NO_DEFAULT_PATH)
endif()
foreach(attempt first python)
  if(attempt STREQUAL python)
    if(tfic_only OR (TFIC_ATEN_INCLUDE AND TFIC_LIBTORCH_LIBRARY AND TFIC_C10_LIBRARY))
      break()
    endif()
    find_program(TFIC_PYTHON python3)
    if(NOT TFIC_PYTHON)
      break()
    endif()
    # find_spec does not import torch, which would take seconds.
    execute_process(
      COMMAND ${TFIC_PYTHON} -c
        "import importlib.util as u; print(u.find_spec('torch').submodule_search_locations[0], end='')"
      OUTPUT_VARIABLE tfic_hints ERROR_QUIET)
    if(NOT tfic_hints)
      break()
    endif()
  endif()
  find_path(TFIC_ATEN_INCLUDE ATen/core/dispatch/Dispatcher.h HINTS ${tfic_hints} PATH_SUFFIXES include ${tfic_only})
  find_library(TFIC_LIBTORCH_LIBRARY torch_cpu HINTS ${tfic_hints} PATH_SUFFIXES lib ${tfic_only})
  find_library(TFIC_C10_LIBRARY c10 HINTS ${tfic_hints} PATH_SUFFIXES lib ${tfic_only})
endforeach()

if(TFIC_ATEN_INCLUDE AND TFIC_LIBTORCH_LIBRARY AND TFIC_C10_LIBRARY)
  set(TFIC_LIBTORCH_VERSION "of unknown version")
  foreach(tfic_header torch/version.h torch/csrc/api/include/torch/version.h)
    if(EXISTS ${TFIC_ATEN_INCLUDE}/${tfic_header})
      file(READ ${TFIC_ATEN_INCLUDE}/${tfic_header} tfic_text)
      if(tfic_text MATCHES "VERSION_MAJOR ([0-9]+).*VERSION_MINOR ([0-9]+)")
        set(TFIC_LIBTORCH_VERSION ${CMAKE_MATCH_1}.${CMAKE_MATCH_2})
      endif()
    endif()
  endforeach()
  if(TFIC_LIBTORCH_VERSION MATCHES "^[0-9]" AND TFIC_LIBTORCH_VERSION VERSION_LESS 1.13)
    message(STATUS "libtorch ${TFIC_LIBTORCH_VERSION} in ${TFIC_LIBTORCH_LIBRARY} is older than 1.13 and not used")
    return()
  endif()

  add_library(tfic_libtorch INTERFACE)
  # As a system directory, so that warnings in torch's headers are not errors of ours.
  target_include_directories(tfic_libtorch SYSTEM INTERFACE ${TFIC_ATEN_INCLUDE})
  target_link_libraries(tfic_libtorch INTERFACE ${TFIC_LIBTORCH_LIBRARY} ${TFIC_C10_LIBRARY})

  # The CUDA half is loaded for its registrations alone: no symbol of it is named, so the linker must be told to keep
  # it.
  get_filename_component(tfic_folder ${TFIC_LIBTORCH_LIBRARY} DIRECTORY)
  if(EXISTS ${tfic_folder}/libtorch_cuda.so)
    target_link_libraries(tfic_libtorch INTERFACE
      -Wl,--no-as-needed ${tfic_folder}/libtorch_cuda.so ${tfic_folder}/libc10_cuda.so -Wl,--as-needed)
  endif()

  # Python wheels up to torch 2.5 were built with the old std::string.
  if(UNIX AND NOT APPLE)
    file(STRINGS ${TFIC_C10_LIBRARY} tfic_line REGEX "__cxx11" LIMIT_COUNT 1)
    if(NOT tfic_line)
      target_compile_definitions(tfic_libtorch INTERFACE _GLIBCXX_USE_CXX11_ABI=0)
    endif()
  endif()
endif()
