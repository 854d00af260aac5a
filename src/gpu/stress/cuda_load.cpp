// SPDX-License-Identifier: Apache-2.0
/// The CUDA driver API by dlopen, from our own declarations: no toolkit at build, no library to start. The
/// kernel is PTX, which the driver compiles for whatever GPU there is.
#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <utility>

#include "gpu/stress/device_load.h"

namespace gpuscale::gpu::stress {
namespace {

/// `rounds` times eight dependent multiply-adds a thread; the result is stored so that no compiler drops
/// them.
constexpr const char* kPtx = R"(
.version 6.0
.target sm_50
.address_size 64
.visible .entry burn(.param .u64 out, .param .u32 rounds)
{
  .reg .pred %p;
  .reg .b32 %r<3>;
  .reg .f32 %f<3>;
  .reg .b64 %rd<2>;
  ld.param.u64 %rd0, [out];
  ld.param.u32 %r0, [rounds];
  cvta.to.global.u64 %rd1, %rd0;
  mov.u32 %r1, 0;
  mov.f32 %f0, 0f3F800001;
  mov.f32 %f1, 0f3F7FFFFE;
LOOP:
  fma.rn.f32 %f0, %f0, %f1, %f1;
  fma.rn.f32 %f0, %f0, %f1, %f1;
  fma.rn.f32 %f0, %f0, %f1, %f1;
  fma.rn.f32 %f0, %f0, %f1, %f1;
  fma.rn.f32 %f0, %f0, %f1, %f1;
  fma.rn.f32 %f0, %f0, %f1, %f1;
  fma.rn.f32 %f0, %f0, %f1, %f1;
  fma.rn.f32 %f0, %f0, %f1, %f1;
  add.u32 %r1, %r1, 1;
  setp.lt.u32 %p, %r1, %r0;
  @%p bra LOOP;
  st.global.f32 [%rd1], %f0;
  ret;
}
)";

constexpr int kMultiprocessorCount = 16;  // CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT
constexpr unsigned kBlocksPerMultiprocessor = 8;
constexpr unsigned kThreadsPerBlock = 256;
/// A launch is to take about so long: short against a period, long against what a launch costs.
constexpr double kLaunchSeconds = 0.004;

/// libcuda.so.1 and the eleven of its functions that are used; all return a CUresult, 0 for success.
struct Cuda {
  void* image = nullptr;
  int (*init)(unsigned) = nullptr;
  int (*device_get)(int*, int) = nullptr;
  int (*device_name)(char*, int, int) = nullptr;
  int (*device_attribute)(int*, int, int) = nullptr;
  int (*context_retain)(void**, int) = nullptr;
  int (*context_release)(int) = nullptr;
  int (*context_set)(void*) = nullptr;
  int (*synchronize)() = nullptr;
  int (*module_load)(void**, const void*) = nullptr;
  int (*module_function)(void**, void*, const char*) = nullptr;
  int (*memory_alloc)(std::uint64_t*, std::size_t) = nullptr;
  int (*launch)(void*, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void*, void**,
                void**) = nullptr;
  int (*error_name)(int, const char**) = nullptr;

  Error failed(const char* what, int code) const {
    const char* words = nullptr;
    if (error_name != nullptr) (void)error_name(code, &words);
    return fail(Errc::kUnavailable,
                std::string(what) + " failed: " + (words != nullptr ? words : std::to_string(code)));
  }
};

template <typename Function>
bool bind_symbol(const Cuda& cuda, Function*& function, const char* symbol) {
  function = reinterpret_cast<Function*>(::dlsym(cuda.image, symbol));
  return function != nullptr;
}

/// Never closed: the driver's own threads may still be inside it.
Result<Cuda> load_cuda() {
  Cuda cuda;
  cuda.image = ::dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (cuda.image == nullptr) {
    const char* why = ::dlerror();
    return fail(Errc::kUnavailable, std::string("no CUDA driver: ") +
                                        (why != nullptr ? why : "libcuda.so.1") +
                                        "; install the NVIDIA driver, or use --source virtual");
  }
  const bool whole = bind_symbol(cuda, cuda.init, "cuInit") &&
                     bind_symbol(cuda, cuda.device_get, "cuDeviceGet") &&
                     bind_symbol(cuda, cuda.device_name, "cuDeviceGetName") &&
                     bind_symbol(cuda, cuda.device_attribute, "cuDeviceGetAttribute") &&
                     bind_symbol(cuda, cuda.context_retain, "cuDevicePrimaryCtxRetain") &&
                     bind_symbol(cuda, cuda.context_release, "cuDevicePrimaryCtxRelease_v2") &&
                     bind_symbol(cuda, cuda.context_set, "cuCtxSetCurrent") &&
                     bind_symbol(cuda, cuda.synchronize, "cuCtxSynchronize") &&
                     bind_symbol(cuda, cuda.module_load, "cuModuleLoadData") &&
                     bind_symbol(cuda, cuda.module_function, "cuModuleGetFunction") &&
                     bind_symbol(cuda, cuda.memory_alloc, "cuMemAlloc_v2") &&
                     bind_symbol(cuda, cuda.launch, "cuLaunchKernel");
  if (!whole) return fail(Errc::kUnavailable, "the CUDA driver is too old: it lacks functions of CUDA 11");
  (void)bind_symbol(cuda, cuda.error_name, "cuGetErrorName");
  return cuda;
}

class CudaLoad final : public DeviceLoad {
 public:
  CudaLoad(Cuda cuda, int device, std::string name, unsigned blocks, void* function, std::uint64_t out)
      : cuda_(cuda),
        device_(device),
        name_(std::move(name)),
        blocks_(blocks),
        function_(function),
        out_(out) {}
  ~CudaLoad() override { (void)cuda_.context_release(device_); }
  CudaLoad(const CudaLoad&) = delete;
  CudaLoad& operator=(const CudaLoad&) = delete;

  std::string name() const override { return name_; }
  std::optional<double> measured() override { return std::nullopt; }

  Result<void> work_for(Nanos span) override {
    const auto end = std::chrono::steady_clock::now() + span;
    while (true) {
      const auto begun = std::chrono::steady_clock::now();
      if (begun >= end) return {};
      void* arguments[] = {&out_, &rounds_};
      if (const int code =
              cuda_.launch(function_, blocks_, 1, 1, kThreadsPerBlock, 1, 1, 0, nullptr, arguments, nullptr);
          code != 0) {
        return cuda_.failed("cuLaunchKernel", code);
      }
      if (const int code = cuda_.synchronize(); code != 0) return cuda_.failed("the kernel", code);
      const double took = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
      const double wanted = static_cast<double>(rounds_) * kLaunchSeconds / std::max(took, 1e-6);
      rounds_ = static_cast<std::uint32_t>(std::clamp(wanted, 64.0, 1e8));
    }
  }

 private:
  Cuda cuda_;
  int device_;
  std::string name_;
  unsigned blocks_;
  void* function_;
  std::uint64_t out_;
  std::uint32_t rounds_ = 1'024;  ///< tuned to kLaunchSeconds as it goes
};

}  // namespace

Result<std::unique_ptr<DeviceLoad>> open_cuda_load(int index) {
  GS_TRY(const Cuda cuda, load_cuda());
  if (const int code = cuda.init(0); code != 0) return cuda.failed("cuInit", code);
  int device = 0;
  if (const int code = cuda.device_get(&device, index); code != 0) {
    return cuda.failed(("cuDeviceGet of GPU " + std::to_string(index)).c_str(), code);
  }
  std::array<char, 128> name{};
  int multiprocessors = 1;
  (void)cuda.device_name(name.data(), static_cast<int>(name.size() - 1), device);
  (void)cuda.device_attribute(&multiprocessors, kMultiprocessorCount, device);
  void* context = nullptr;
  if (const int code = cuda.context_retain(&context, device); code != 0)
    return cuda.failed("the context", code);
  void* module_handle = nullptr;
  void* function = nullptr;
  std::uint64_t out = 0;
  int code = cuda.context_set(context);
  if (code == 0) code = cuda.module_load(&module_handle, kPtx);
  if (code == 0) code = cuda.module_function(&function, module_handle, "burn");
  if (code == 0) code = cuda.memory_alloc(&out, sizeof(float));
  if (code != 0) {
    (void)cuda.context_release(device);
    return cuda.failed("loading the kernel", code);
  }
  return std::unique_ptr<DeviceLoad>(std::make_unique<CudaLoad>(
      cuda, device, name.data(),
      static_cast<unsigned>(std::max(multiprocessors, 1)) * kBlocksPerMultiprocessor, function, out));
}

}  // namespace gpuscale::gpu::stress
