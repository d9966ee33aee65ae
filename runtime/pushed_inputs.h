// PushedInputs: what others send to us, by syslog and HTTP, as batches: one batch holds messages of one
// sender.
//
// A sender is a source of its own: it has a number, an index that goes on across restarts, a watermark. It
// counts from its first message until it has been silent for `idle_after`; the next message opens it again.
// At most `max_senders` count at a time; those beyond share one source an input and transport.
//
// A listener that promises its senders something is told when it holds: all that was taken from it in one
// look is in batches before the next look, so the last of those batches carries the look's receipt; once that
// batch is applied and a commit covers it, all of the look is durable.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "core/clock.h"
#include "core/log_source.h"
#include "core/record_origin.h"
#include "core/status.h"
#include "core/text.h"
#include "core/time_zone.h"
#include "ingest/http_listener.h"
#include "ingest/message_queue.h"
#include "ingest/syslog_listener.h"
#include "runtime/batch_workers.h"
#include "runtime/committer.h"

namespace redthread {

// One configured input of type syslog or http.
struct ListenerInput {
  std::string name;
  std::variant<SyslogListener::Options, HttpListener::Options> listener;
  DeclaredLogSource log_source;
  SourceFormat format = SourceFormat::kAuto;
  std::shared_ptr<const TimeZone> zone;  // of times that name none; null: UTC
  std::vector<Cidr> trusted_proxies;     // RecordOrigin
  Nanoseconds max_skew{0};               // RecordOrigin
  // Of syslog: each host that an address sends for, by the messages' headers, is a sender of its own. A relay
  // may be trusted with that.
  bool by_host = false;
};

// When nobody waits for a silent sender any more.
struct IdleAfter {
  Nanoseconds udp = std::chrono::minutes(2);
  Nanoseconds tcp = std::chrono::minutes(10);
  Nanoseconds http = std::chrono::minutes(10);
  Nanoseconds Of(Transport transport) const {
    return transport == Transport::kUdp ? udp : transport == Transport::kTcp ? tcp : http;
  }
};

// All listeners of a process. One per thread; the listeners have threads of their own.
class PushedInputs {
 public:
  struct Options {
    std::vector<ListenerInput> inputs;
    IdleAfter idle_after;
    size_t max_senders = 10'000;
    size_t batch_bytes = 1 << 20;
    std::function<void(const std::string&)> on_problem;  // may be empty
  };

  // Starts the listeners, and holds the watermark for the senders that were heard when the last run ended:
  // what they have sent since may be waiting with them. `committer` and `clock` outlive the object. Errors:
  // those of SyslogListener::Start and HttpListener::Start.
  static Result<std::unique_ptr<PushedInputs>> Start(Options options, Committer* committer, Clock* clock);

  // What the inputs are declared to be; again after every change of the rules.
  void Declare(FactsTable* facts);

  // Takes what the listeners have read. False when there is nothing.
  Result<bool> Look();
  // Fills a batch with the next messages of what was taken. False when there are none left.
  bool Fill(Batch* batch);

  // A batch that Fill filled has been applied.
  void Applied(const Batch& batch);
  // What was applied so far has been made durable.
  void Committed();

  // Whether senders have fallen silent, looked at now and then.
  bool SilentDue();
  // Those senders, which are forgotten here. To be called, and told to the Committer, when nothing is in
  // flight.
  std::vector<SourceId> TakeSilent();

  // Whether nobody has sent anything, to any listener, for `idle_after`.
  bool quiet() const;
  // Reads no more; Look and Fill give what had been read.
  void Stop();
  // Of all listeners of a kind together.
  SyslogListener::Counts counts() const;
  HttpListener::Counts http_counts() const;
  uint16_t udp_port(size_t input) const;
  uint16_t tcp_port(size_t input) const;  // that of HTTP too

 private:
  // A sender that counts.
  struct OpenSender {
    SourceId id = 0;
    uint32_t epoch = 0;
    uint64_t next_index = 0;
    size_t input = 0;
    Sender sender;
    Nanoseconds heard{0};         // when its newest message was taken, by Elapsed
    std::vector<size_t> pending;  // of the messages taken: its own
    size_t filled = 0;            // how many of them are in batches
  };
  struct Input {
    std::unique_ptr<PushListener> listener;
    SyslogListener* syslog = nullptr;  // the same, where it is one; else null
    HttpListener* http = nullptr;      // the same
    uint32_t declared = 0;
    PushedMessages messages;  // taken
    Nanoseconds caught_up{0};
    Nanoseconds heard{0};
    std::unordered_map<Sender, OpenSender, SenderHash> senders;
    std::vector<OpenSender*> turns;  // those with messages that are not in batches yet, in order
    size_t turn = 0;
    uint64_t told_lost = 0;
    uint64_t applied = 0;    // receipt of the newest look that is applied as a whole
    uint64_t committed = 0;  // of which the listener was told that it is durable
  };

  PushedInputs(Options options, Committer* committer, Clock* clock);
  Status StartListeners();
  Status StartListener(size_t input);
  Status HoldForHeard();
  Result<OpenSender*> Find(size_t input, const Sender& sender);
  Result<OpenSender*> Open(size_t input, const Sender& sender);
  Status Sort(size_t input);
  const Sender& SenderOf(size_t input, const PushedMessages::Message& message);
  void FillFrom(Input* input, OpenSender* sender, Batch* batch) const;
  void TellLosses(size_t input);
  bool IsSilent(const Input& input, const OpenSender& sender) const;
  void Problem(const std::string& text) const;

  const Options options_;
  Committer* const committer_;
  Clock* const clock_;
  std::vector<Input> inputs_;
  size_t open_ = 0;  // senders
  Nanoseconds silence_looked_at_{0};
  bool told_too_many_ = false;
  Sender claimed_;  // at hand
};

}  // namespace redthread
