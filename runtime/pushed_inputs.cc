#include "runtime/pushed_inputs.h"

#include <algorithm>

#include "ingest/syslog_header.h"

namespace redthread {

namespace {

// How often senders are looked through for silence.
constexpr Nanoseconds kSilenceInterval = std::chrono::seconds(1);

}  // namespace

PushedInputs::PushedInputs(Options options, Committer* committer, Clock* clock)
    : options_(std::move(options)),
      committer_(committer),
      clock_(clock),
      inputs_(options_.inputs.size()),
      silence_looked_at_(clock->Elapsed()) {}

Result<std::unique_ptr<PushedInputs>> PushedInputs::Start(Options options, Committer* committer,
                                                          Clock* clock) {
  std::unique_ptr<PushedInputs> inputs(new PushedInputs(std::move(options), committer, clock));
  RT_RETURN_IF_ERROR(inputs->HoldForHeard());
  RT_RETURN_IF_ERROR(inputs->StartListeners());
  return inputs;
}

Status PushedInputs::StartListeners() {
  for (size_t n = 0; n < inputs_.size(); ++n) {
    const Status started = StartListener(n);
    if (!started.ok())
      return {started.code(), "source `" + options_.inputs[n].name + "`: " + started.message()};
    inputs_[n].heard = inputs_[n].caught_up = inputs_[n].listener->caught_up();
  }
  return Status::Ok();
}

Status PushedInputs::StartListener(size_t n) {
  Input& input = inputs_[n];
  const ListenerInput& configured = options_.inputs[n];
  if (const auto* options = std::get_if<HttpListener::Options>(&configured.listener); options != nullptr) {
    Result<std::unique_ptr<HttpListener>> http = HttpListener::Start(*options, clock_);
    if (!http.ok()) return http.status();
    input.http = http->get();
    input.listener = std::move(*http);
    return Status::Ok();
  }
  const auto& options = std::get<SyslogListener::Options>(configured.listener);
  Result<std::unique_ptr<SyslogListener>> syslog = SyslogListener::Start(options, clock_);
  if (!syslog.ok()) return syslog.status();
  input.syslog = syslog->get();
  input.listener = std::move(*syslog);
  const size_t granted = input.syslog->udp_buffer_bytes();
  if (options.udp && granted < options.udp_buffer_bytes) {
    Problem("source `" + configured.name + "`: the kernel holds " + std::to_string(granted) +
            " bytes of datagrams, not " + std::to_string(options.udp_buffer_bytes) +
            "; raise net.core.rmem_max, or bursts are lost");
  }
  return Status::Ok();
}

Status PushedInputs::HoldForHeard() {
  for (const SourceState& state : committer_->heard()) {
    const auto identity = SenderIdentity::Decode(state.identity);
    if (!identity.has_value()) continue;
    for (size_t n = 0; n < inputs_.size(); ++n) {
      if (options_.inputs[n].name != identity->input) continue;
      const Result<OpenSender*> sender = Open(n, identity->sender);
      if (!sender.ok()) return sender.status();
      committer_->HoldFor((*sender)->id);
    }
  }
  return Status::Ok();
}

void PushedInputs::Declare(FactsTable* facts) {
  for (size_t n = 0; n < inputs_.size(); ++n)
    inputs_[n].declared = facts->Declare(options_.inputs[n].log_source);
}

void PushedInputs::Problem(const std::string& text) const {
  if (options_.on_problem) options_.on_problem(text);
}

// ---- senders

Result<PushedInputs::OpenSender*> PushedInputs::Find(size_t input, const Sender& sender) {
  auto& senders = inputs_[input].senders;
  if (const auto found = senders.find(sender); found != senders.end()) return &found->second;
  if (sender.is_others()) return Open(input, sender);
  std::string why = "more than " + std::to_string(options_.max_senders) + " senders at a time";
  if (open_ < options_.max_senders) {
    Result<OpenSender*> opened = Open(input, sender);
    if (opened.status().code() != StatusCode::kLimit) return opened;
    why = opened.status().message();
  }
  if (!std::exchange(told_too_many_, true))
    Problem("source `" + options_.inputs[input].name + "`: " + why + "; the others count as one");
  return Find(input, Sender::Others(sender.transport));
}

Result<PushedInputs::OpenSender*> PushedInputs::Open(size_t input, const Sender& sender) {
  const Result<SourceState> state =
      committer_->OpenSender({options_.inputs[input].name, sender}, options_.idle_after.Of(sender.transport));
  if (!state.ok()) return state.status();
  OpenSender opened;
  opened.id = state->id;
  opened.epoch = state->epoch;
  opened.next_index = state->next_index;
  opened.input = input;
  opened.sender = sender;
  opened.heard = clock_->Elapsed();
  ++open_;
  return &inputs_[input].senders.emplace(sender, std::move(opened)).first->second;
}

bool PushedInputs::IsSilent(const Input& input, const OpenSender& sender) const {
  return input.caught_up - sender.heard >= options_.idle_after.Of(sender.sender.transport);
}

bool PushedInputs::SilentDue() {
  const Nanoseconds now = clock_->Elapsed();
  if (now - silence_looked_at_ < kSilenceInterval) return false;
  silence_looked_at_ = now;
  for (const Input& input : inputs_) {
    for (const auto& [key, sender] : input.senders) {
      if (IsSilent(input, sender)) return true;
    }
  }
  return false;
}

std::vector<SourceId> PushedInputs::TakeSilent() {
  std::vector<SourceId> silent;
  for (Input& input : inputs_) {
    std::erase_if(input.senders, [&](const auto& entry) {
      if (!IsSilent(input, entry.second)) return false;
      silent.push_back(entry.second.id);
      return true;
    });
  }
  open_ -= silent.size();
  std::sort(silent.begin(), silent.end());
  return silent;
}

bool PushedInputs::quiet() const {
  for (size_t n = 0; n < inputs_.size(); ++n) {
    const auto* const syslog = std::get_if<SyslogListener::Options>(&options_.inputs[n].listener);
    Nanoseconds wait = options_.idle_after.http;
    if (syslog != nullptr) {
      wait = std::max(syslog->udp ? options_.idle_after.udp : Nanoseconds(0),
                      syslog->tcp ? options_.idle_after.tcp : Nanoseconds(0));
    }
    if (inputs_[n].caught_up - inputs_[n].heard < wait) return false;
  }
  return true;
}

// ---- messages

Result<bool> PushedInputs::Look() {
  bool any = false;
  for (size_t n = 0; n < inputs_.size(); ++n) {
    Input& input = inputs_[n];
    // First: what had arrived by then is in what is taken now.
    input.caught_up = input.listener->caught_up();
    input.listener->Take(&input.messages);
    TellLosses(n);
    if (input.messages.empty()) continue;
    input.heard = clock_->Elapsed();
    RT_RETURN_IF_ERROR(Sort(n));
    any = true;
  }
  return any;
}

const Sender& PushedInputs::SenderOf(size_t n, const PushedMessages::Message& message) {
  SyslogHeader header;
  if (!options_.inputs[n].by_host || !ReadSyslogHeader(inputs_[n].messages.text(message), &header) ||
      !IsHostName(header.host))
    return message.sender;
  claimed_.address = message.sender.address;
  claimed_.transport = message.sender.transport;
  claimed_.stream.assign("/").append(header.host);
  return claimed_;
}

// Gives each sender its messages.
Status PushedInputs::Sort(size_t n) {
  Input& input = inputs_[n];
  input.turns.clear();
  input.turn = 0;
  const std::vector<PushedMessages::Message>& messages = input.messages.all();
  for (size_t i = 0; i < messages.size(); ++i) {
    const Result<OpenSender*> sender = Find(n, SenderOf(n, messages[i]));
    if (!sender.ok()) return sender.status();
    if ((*sender)->pending.empty()) input.turns.push_back(*sender);
    (*sender)->pending.push_back(i);
    (*sender)->heard = input.heard;
  }
  return Status::Ok();
}

bool PushedInputs::Fill(Batch* batch) {
  for (size_t n = 0; n < inputs_.size(); ++n) {
    Input& input = inputs_[n];
    if (input.turn == input.turns.size()) continue;
    OpenSender* const sender = input.turns[input.turn];
    batch->input = n;
    batch->declared = input.declared;
    FillFrom(&input, sender, batch);
    if (sender->filled == sender->pending.size()) {
      sender->pending.clear();
      sender->filled = 0;
      ++input.turn;
    }
    batch->receipt = input.turn == input.turns.size() ? input.messages.receipt() : 0;
    return true;
  }
  return false;
}

void PushedInputs::FillFrom(Input* input, OpenSender* sender, Batch* batch) const {
  const std::vector<PushedMessages::Message>& messages = input->messages.all();
  const auto message = [&](size_t i) -> const PushedMessages::Message& {
    return messages[sender->pending[i]];
  };
  size_t end = sender->filled;
  size_t bytes = 0;
  while (end < sender->pending.size() && (end == sender->filled || bytes < options_.batch_bytes))
    bytes += message(end++).size;
  batch->lines.Begin(bytes);
  batch->arrivals.clear();
  batch->told_times.clear();
  for (; sender->filled < end; ++sender->filled) {
    const PushedMessages::Message& next = message(sender->filled);
    if (next.size > 0) {
      batch->arrivals.push_back(next.arrival);
      batch->told_times.push_back(next.told);
    }
    batch->lines.Add(input->messages.text(next), sender->next_index++, next.cut_from);
    batch->arrival = next.arrival;
  }
  batch->kind = SourceKind::kSender;
  batch->has_lines = true;
  batch->at_end = false;
  const ListenerInput& configured = options_.inputs[sender->input];
  batch->origin = {configured.format,           configured.zone.get(), 0, batch->arrival, true,
                   &configured.trusted_proxies, configured.max_skew};
  batch->source_id = sender->id;
  batch->source = {};
  batch->source.progress.epoch = sender->epoch;
  batch->source.progress.next_index = sender->next_index;
  batch->copies.clear();
  batch->ended.clear();
}

// ---- receipts

void PushedInputs::Applied(const Batch& batch) {
  if (batch.kind == SourceKind::kSender && batch.receipt > 0) inputs_[batch.input].applied = batch.receipt;
}

void PushedInputs::Committed() {
  for (Input& input : inputs_) {
    if (input.committed == input.applied) continue;
    input.committed = input.applied;
    input.listener->Committed(input.committed);
  }
}

// ---- the listeners

// At the first loss, and whenever it is ten times as much.
void PushedInputs::TellLosses(size_t n) {
  Input& input = inputs_[n];
  const uint64_t lost = input.syslog != nullptr ? input.syslog->counts().datagrams_lost : 0;
  if (lost == 0 || lost < 10 * input.told_lost) return;
  input.told_lost = lost;
  Problem("source `" + options_.inputs[n].name + "`: " + std::to_string(lost) +
          " datagrams lost so far: they came faster than they could be taken");
}

void PushedInputs::Stop() {
  for (Input& input : inputs_) input.listener->Stop();
}

SyslogListener::Counts PushedInputs::counts() const {
  SyslogListener::Counts sum;
  for (const Input& input : inputs_) {
    if (input.syslog != nullptr) sum += input.syslog->counts();
  }
  return sum;
}

HttpListener::Counts PushedInputs::http_counts() const {
  HttpListener::Counts sum;
  for (const Input& input : inputs_) {
    if (input.http != nullptr) sum += input.http->counts();
  }
  return sum;
}

uint16_t PushedInputs::udp_port(size_t input) const {
  return inputs_[input].syslog != nullptr ? inputs_[input].syslog->udp_port() : 0;
}

uint16_t PushedInputs::tcp_port(size_t input) const {
  const Input& asked = inputs_[input];
  return asked.syslog != nullptr ? asked.syslog->tcp_port() : asked.http->port();
}

}  // namespace redthread
