// SPDX-License-Identifier: Apache-2.0
#include "agent/pod_resources.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "base/ascii.h"

namespace gpuscale::agent {
namespace {

/// Field by field through a message of Protocol Buffers, as its encoding guide has it.
class ProtoReader {
 public:
  explicit ProtoReader(std::string_view bytes) : rest_(bytes), size_(bytes.size()) {}

  struct Field {
    std::uint64_t number = 0;
    bool is_bytes = false;
    std::string_view bytes;
  };

  /// The next field; empty at the end. Fields that are not length-delimited come without their value.
  Result<std::optional<Field>> next() {
    if (rest_.empty()) return std::optional<Field>();
    GS_TRY(const std::uint64_t key, varint());
    Field field;
    field.number = key >> 3U;
    switch (key & 7U) {
      case 0: {
        GS_TRY(const std::uint64_t ignored, varint());
        (void)ignored;
        break;
      }
      case 1:
        GS_CHECK(skip(8));
        break;
      case 2: {
        GS_TRY(const std::uint64_t length, varint());
        field.is_bytes = true;
        field.bytes = rest_.substr(0, std::min<std::uint64_t>(length, rest_.size()));
        GS_CHECK(skip(length));
        break;
      }
      case 5:
        GS_CHECK(skip(4));
        break;
      default:
        return wrong();
    }
    return std::optional<Field>(field);
  }

 private:
  Error wrong() const {
    return fail(Errc::kInvalidArgument,
                "kubelet's answer is no message at byte " + std::to_string(size_ - rest_.size()));
  }
  Result<void> skip(std::uint64_t bytes) {
    if (bytes > rest_.size()) return wrong();
    rest_.remove_prefix(bytes);
    return {};
  }
  Result<std::uint64_t> varint() {
    constexpr unsigned kMostBytes = 10;
    std::uint64_t value = 0;
    for (unsigned i = 0; i < kMostBytes; ++i) {
      if (i >= rest_.size()) return wrong();
      const auto byte = static_cast<unsigned char>(rest_[i]);
      value |= static_cast<std::uint64_t>(byte & 0x7fU) << (7 * i);
      if ((byte & 0x80U) == 0) {
        rest_.remove_prefix(i + 1);
        return value;
      }
    }
    return wrong();
  }

  std::string_view rest_;
  std::size_t size_;
};

/// Calls `take` with each length-delimited field.
template <typename Take>
Result<void> each_field(std::string_view message, Take take) {
  ProtoReader reader(message);
  while (true) {
    GS_TRY(const auto field, reader.next());
    if (!field) return {};
    if (field->is_bytes) GS_CHECK(take(field->number, field->bytes));
  }
}

/// ContainerDevices: resource_name = 1, device_ids = 2.
Result<void> read_devices(std::string_view message, PodContainer& container) {
  return each_field(message, [&](std::uint64_t number, std::string_view bytes) -> Result<void> {
    if (number == 2) container.device_ids.emplace_back(bytes);
    return {};
  });
}

/// ContainerResources: name = 1, devices = 2.
Result<void> read_container(std::string_view message, PodContainer& container) {
  return each_field(message, [&](std::uint64_t number, std::string_view bytes) -> Result<void> {
    if (number == 1) container.container = bytes;
    if (number == 2) return read_devices(bytes, container);
    return {};
  });
}

/// PodResources: name = 1, namespace = 2, containers = 3.
Result<void> read_pod(std::string_view message, std::vector<PodContainer>& out) {
  const std::size_t first = out.size();
  std::string name;
  std::string pod_namespace;
  GS_CHECK(each_field(message, [&](std::uint64_t number, std::string_view bytes) -> Result<void> {
    if (number == 1) name = bytes;
    if (number == 2) pod_namespace = bytes;
    if (number != 3) return {};
    PodContainer container;
    GS_CHECK(read_container(bytes, container));
    if (container.device_ids.empty()) return {};
    if (out.size() == kMaxPodContainers) {
      return fail(Errc::kExhausted, "kubelet names more than " + std::to_string(kMaxPodContainers) +
                                        " containers with devices");
    }
    out.push_back(std::move(container));
    return {};
  }));
  for (std::size_t i = first; i < out.size(); ++i) {
    out[i].pod = name;
    out[i].pod_namespace = pod_namespace;
  }
  return {};
}

std::optional<int> whole_number(std::string_view text) {
  int value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || stop != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

/// "/gi3", "/vgpu1" and, of a slice before R470, "/3/0": gpu instance and compute instance.
void read_suffixes(std::string_view rest, PodDeviceId& out) {
  while (!rest.empty()) {
    rest.remove_prefix(1);
    const std::string_view part = rest.substr(0, rest.find('/'));
    rest.remove_prefix(part.size());
    if (part.starts_with("gi")) {
      out.gpu_instance = whole_number(part.substr(2));
    } else if (part.starts_with("vgpu")) {
      out.replica = part.substr(4);
    } else if (!out.gpu_instance) {
      out.gpu_instance = whole_number(part);
    }
  }
}

/// "00000000:3B:00.0" as NVML has it and "0000:3b:00.0" as the kernel has it are one address.
bool same_bus_id(std::string_view a, std::string_view b) {
  constexpr std::size_t kTail = std::string_view("0000:3b:00.0").size();
  if (a.size() < kTail || b.size() < kTail) return false;
  a.remove_prefix(a.size() - kTail);
  b.remove_prefix(b.size() - kTail);
  return base::equal_ignoring_case(a, b);
}

}  // namespace

Result<std::vector<PodContainer>> parse_pod_resources(std::string_view message) {
  std::vector<PodContainer> containers;
  GS_CHECK(each_field(message, [&](std::uint64_t number, std::string_view bytes) -> Result<void> {
    if (number == 1) return read_pod(bytes, containers);
    return {};
  }));
  return containers;
}

PodDeviceId read_device_id(std::string_view id) {
  constexpr std::string_view kIndexed = "nvidia";
  constexpr std::string_view kOldSlice = "MIG-GPU-";
  PodDeviceId out;
  if (const std::size_t replica = id.find("::"); replica != std::string_view::npos) {
    out.replica = id.substr(replica + 2);
    id = id.substr(0, replica);
  }
  const std::size_t slash = std::min(id.find('/'), id.size());
  const std::string_view name = id.substr(0, slash);
  read_suffixes(id.substr(slash), out);
  if (name.starts_with(kOldSlice)) {
    out.uuid = name.substr(std::string_view("MIG-").size());
  } else if (name.starts_with(kIndexed)) {
    out.index = whole_number(name.substr(kIndexed.size()));
  } else {
    out.uuid = name;
  }
  return out;
}

bool names_device(const PodDeviceId& id, const gpu::DeviceIdentity& device) {
  if (!id.uuid.empty() && id.uuid == device.uuid && !id.gpu_instance) return true;
  const bool parent = id.index ? *id.index == device.index
                               : !id.uuid.empty() && ((device.mig && id.uuid == device.mig->parent_uuid) ||
                                                      same_bus_id(id.uuid, device.pci_bus_id));
  if (!parent) return false;
  if (!device.mig) return !id.gpu_instance;
  return id.gpu_instance && *id.gpu_instance == device.mig->gpu_instance;
}

std::vector<DeviceTenant> tenants_of(const gpu::DeviceIdentity& device,
                                     const std::vector<PodContainer>& containers) {
  std::vector<DeviceTenant> tenants;
  for (const PodContainer& container : containers) {
    for (const std::string& id : container.device_ids) {
      PodDeviceId read = read_device_id(id);
      if (!names_device(read, device)) continue;
      tenants.push_back({&container, std::move(read.replica)});
      break;  // two replicas of one device in one container are one tenant
    }
  }
  return tenants;
}

}  // namespace gpuscale::agent
