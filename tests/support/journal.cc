#include "tests/support/journal.h"

#include <unistd.h>

#include "tests/support/binary.h"

namespace redthread {

namespace {

constexpr const char* kWriter = "/lib/systemd/systemd-journal-remote";

}  // namespace

bool HasJournalWriter() { return access(kWriter, X_OK) == 0; }

std::string ExportedEntry(Timestamp time, std::string_view message) {
  const std::string microseconds = std::to_string(time.ns / 1000);
  std::string entry = "__REALTIME_TIMESTAMP=" + microseconds + "\n__MONOTONIC_TIMESTAMP=" + microseconds;
  entry
      .append("\n_BOOT_ID=0123456789abcdef0123456789abcdef\n_HOSTNAME=web1\n_COMM=sshd\n_PID=7\nPRIORITY=6\n")
      .append("SYSLOG_IDENTIFIER=sshd\nSYSLOG_FACILITY=10\n_TRANSPORT=syslog\nMESSAGE=")
      .append(message)
      .append("\n\n");
  return entry;
}

bool AppendToJournal(const std::string& path, const std::string& exported) {
  return RunProgram({kWriter, "-o", path, "-"}, {}, exported).exit_code == 0;
}

}  // namespace redthread
