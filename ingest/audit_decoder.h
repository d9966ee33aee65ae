// AuditDecoder: a record of the Linux audit system -> fields.
//
//   type=SYSCALL msg=audit(1604996384.965:93777): arch=c000003e syscall=59 a0=55e2 comm="dd" key="k"
//   node=web1 type=USER_CMD msg=audit(1604996384.965:7): pid=1 msg='cmd=6C73202D6C res=success'<GS>UID="root"
//   audit: type=1400 audit(1604996384.965:8): apparmor="DENIED" operation="open"      (kernel)
//   SERVICE_STOP pid=1 uid=0 msg='unit=ufw comm="systemd" res=success'                (journald, program
//   audit)
//
// What the kernel does is told in several records of one time and serial number. Each stays an event of its
// own, since rules ask for one type of record and its own fields (a0 is an address in SYSCALL, a word in
// EXECVE, and PATH comes more than once); `audit_event` is the same in all of them, for correlations
// (docs/decisions/0006-audit-records.md).
//
// Numbers that rules know by name are named as auditd names them with log_format = ENRICHED, unless it did:
// SYSCALL and ARCH; of a socket's address saddr_fam, laddr, lport, path.
//
// Source: Linux, kernel/audit.c, kernel/auditsc.c; audit 3.0, lib/audit_logging.c, auparse/typetab.h.
#pragma once

#include <optional>
#include <string_view>

#include "core/event.h"
#include "core/timestamp.h"
#include "ingest/text_field.h"

namespace redthread {

// One per thread.
class AuditDecoder {
 public:
  // Pairs of one record beyond this are left out of the fields; `raw` has them.
  static constexpr size_t kMaxPairs = 1000;

  explicit AuditDecoder(const FieldTable& fields);

  // By its first characters; of the forms above all but the last.
  static bool LooksLikeRecord(std::string_view text);

  // Adds the fields of a record and sets *time. `host` is what an envelope says of where it comes from, or
  // empty; `node` of the record says it better. False when the text is no record.
  bool Read(std::string_view text, std::string_view host, std::optional<Timestamp>* time, Event* event) const;
  // The same of a record as journald passes it on, which has neither time nor number.
  bool ReadUnnumbered(std::string_view text, Event* event) const;

 private:
  struct Pair;
  class Words;
  // What becomes of a record's pairs together.
  struct Whole;

  void AddPairs(std::string_view pairs, Whole* whole, Event* event) const;
  void AddPair(const Pair& pair, Whole* whole, Event* event) const;
  void AddKeys(std::string_view keys, Whole* whole, Event* event) const;
  void AddParts(Whole* whole, Event* event) const;
  void AddNames(const Whole& whole, Event* event) const;
  void AddSocketAddress(std::string_view hex, Event* event) const;

  const FieldTable& fields_;
  TextField node_, type_, audit_time_, timestamp_, audit_id_, audit_event_;
  TextField key_, syscall_, arch_, family_, address_, port_, path_;
};

}  // namespace redthread
