// Real files of systemd's journal, written by systemd-journal-remote, which links the same code as journald.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/timestamp.h"

namespace redthread {

// Whether that program is there.
bool HasJournalWriter();

// An entry of sshd on web1 in the journal's export format. Source: systemd, "Journal Export Format".
std::string ExportedEntry(Timestamp time, std::string_view message);

// Appends entries to a file, which is made if it is not there. False when that failed.
bool AppendToJournal(const std::string& path, const std::string& exported);

}  // namespace redthread
