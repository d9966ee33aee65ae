// The names of what audit records say in numbers.
#pragma once

#include <cstdint>
#include <string_view>

namespace redthread {

// The system call of a number, as `arch` of a record has it ("c000003e"); empty when one of both is unknown.
// x86_64 with x32, i386, aarch64 and riscv64.
std::string_view SyscallName(std::string_view arch, uint32_t number);

// "x86_64" of "c000003e"; empty when it is unknown. x32 is x86_64.
std::string_view ArchName(std::string_view arch);

// The type of a record that the kernel wrote by number: "1300" is SYSCALL. Empty when it is unknown.
std::string_view AuditRecordType(std::string_view number);

}  // namespace redthread
