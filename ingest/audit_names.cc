#include "ingest/audit_names.h"

#include <algorithm>
#include <iterator>

#include "ingest/text_field.h"

namespace redthread {

namespace {

struct NumberedName {
  uint32_t number;
  std::string_view name;
};

#include "ingest/audit_record_types.inc"
#include "ingest/audit_syscalls.inc"

// Set in the numbers of programs with x32's calling convention. Source: Linux, asm/unistd.h,
// __X32_SYSCALL_BIT.
constexpr uint32_t kX32 = 0x40000000;

template <size_t kSize>
std::string_view At(const std::string_view (&names)[kSize], uint32_t number) {
  return number < kSize ? names[number] : std::string_view();
}

}  // namespace

// Source: Linux, include/uapi/linux/audit.h, AUDIT_ARCH_*: the machine of ELF, 64 bits, little-endian.
std::string_view ArchName(std::string_view arch) {
  if (arch == "c000003e") return "x86_64";
  if (arch == "40000003") return "i386";
  if (arch == "c00000b7") return "aarch64";
  if (arch == "c00000f3") return "riscv64";
  return {};
}

std::string_view SyscallName(std::string_view arch, uint32_t number) {
  const std::string_view name = ArchName(arch);
  if (name.empty()) return {};
  if (name == "x86_64") return At(kX8664, number & ~kX32);
  return name == "i386" ? At(kI386, number) : At(kGeneric, number);
}

std::string_view AuditRecordType(std::string_view text) {
  if (text.size() != 4 || !IsPlainNumber(text)) return {};
  uint32_t number = 0;
  for (const char c : text) number = number * 10 + static_cast<uint32_t>(c - '0');
  const auto* const found =
      std::lower_bound(std::begin(kRecordTypes), std::end(kRecordTypes), number,
                       [](const NumberedName& name, uint32_t wanted) { return name.number < wanted; });
  return found != std::end(kRecordTypes) && found->number == number ? found->name : std::string_view();
}

}  // namespace redthread
