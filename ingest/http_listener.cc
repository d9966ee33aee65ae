#include "ingest/http_listener.h"

#include <event2/event.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "ingest/socket_address.h"

namespace redthread {

namespace {

constexpr timeval kTick = {0, 10'000};
// Between two looks at what takes long.
constexpr int kSlowTicks = 100;
// For how long the last answers may be on their way.
constexpr int kLastTicks = 200;

using EventBase = std::unique_ptr<event_base, decltype(&event_base_free)>;
using EventOf = std::unique_ptr<event, decltype(&event_free)>;

}  // namespace

struct HttpListener::Loop {
  EventBase base{event_base_new(), &event_base_free};
  EventOf tick{nullptr, &event_free};
  EventOf wake{nullptr, &event_free};
  int ticks = 0;
  Nanoseconds noted{0};  // when NoteLook last looked
};

HttpListener::HttpListener(const Options& options, Clock* clock)
    : options_(options),
      clock_(clock),
      caught_up_(clock->Elapsed().count()),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      loop_(std::make_unique<Loop>()) {}

Result<std::unique_ptr<HttpListener>> HttpListener::Start(const Options& options, Clock* clock) {
  std::unique_ptr<HttpListener> listener(new HttpListener(options, clock));
  RT_RETURN_IF_ERROR(listener->Bind());
  listener->thread_ = std::thread([raw = listener.get()] { raw->Run(); });
  return listener;
}

HttpListener::~HttpListener() {
  Stop();
  ending_ = true;
  Wake();
  if (thread_.joinable()) thread_.join();
  connections_.reset();
  if (wake_ >= 0) close(wake_);
}

Status HttpListener::Bind() {
  event_base* const base = loop_->base.get();
  if (base == nullptr || wake_ < 0) return Status::Io("cannot make an event loop for " + options_.address);
  loop_->tick.reset(event_new(
      base, -1, EV_PERSIST,
      [](evutil_socket_t, short, void* self) { static_cast<HttpListener*>(self)->Tick(); }, this));
  event_add(loop_->tick.get(), &kTick);
  loop_->wake.reset(event_new(
      base, wake_, EV_READ | EV_PERSIST,
      [](evutil_socket_t fd, short, void* self) {
        eventfd_t count = 0;
        eventfd_read(fd, &count);
        static_cast<HttpListener*>(self)->AnswerCommitted();
      },
      this));
  event_add(loop_->wake.get(), nullptr);
  if (options_.tls.has_value()) {
    Result<std::unique_ptr<TlsContext>> tls = TlsContext::Create(*options_.tls);
    if (!tls.ok()) return tls.status();
    tls_ = std::move(*tls);
  }
  const Result<int> socket = ListenSocket(options_.address);
  if (!socket.ok()) return socket.status();
  port_ = PortOf(*socket);
  HttpConnections::Options options;
  options.max_connections = options_.max_connections;
  options.max_connections_of_peer = options_.max_connections_of_peer;
  options.tls = tls_.get();
  options.parser.max_body_bytes = options_.max_body_bytes;
  options.parser.max_unpacked_bytes = options_.max_unpacked_bytes;
  options.records = {options_.format, options_.max_record_bytes, options_.max_unpacked_bytes};
  options.request_timeout = options_.request_timeout;
  options.idle_timeout = options_.idle_timeout;
  options.max_held_bytes = options_.max_held_bytes;
  // Milliseconds: no process gives out more than a thousand a second for as long as it runs.
  const auto first_ack_id = static_cast<uint64_t>(clock_->Now().ns / 1'000'000);
  service_ = std::make_unique<HttpService>(options_.service, first_ack_id);
  connections_ = std::make_unique<HttpConnections>(
      base, *socket, options, service_.get(), [this](const IpAddress& peer) { return IsAllowed(peer); },
      [this] { return IsBusy(); },
      [this](HttpConnections::Id id, HttpAnswer answer, PushedMessages* messages) {
        Hold(id, std::move(answer), messages);
      },
      clock_, &counts_);
  return Status::Ok();
}

// ---- other threads

void HttpListener::Wake() {
  if (wake_ >= 0) eventfd_write(wake_, 1);
}

void HttpListener::Committed(uint64_t receipt) {
  committed_ = receipt;
  Wake();
}

void HttpListener::Stop() {
  if (!thread_.joinable()) return;
  std::unique_lock lock(mutex_);
  stopping_ = true;
  Wake();
  has_stopped_.wait(lock, [this] { return stopped_; });
}

HttpListener::Counts& HttpListener::Counts::operator+=(const Counts& other) {
  requests += other.requests;
  connections += other.connections;
  connections_not_allowed += other.connections_not_allowed;
  connections_over_limit += other.connections_over_limit;
  connections_out_of_time += other.connections_out_of_time;
  connections_no_session += other.connections_no_session;
  requests_unauthorized += other.requests_unauthorized;
  requests_busy += other.requests_busy;
  requests_invalid += other.requests_invalid;
  return *this;
}

HttpListener::Counts HttpListener::counts() const {
  Counts counts;
  counts.requests = counts_.requests;
  counts.connections = counts_.open;
  counts.connections_not_allowed = counts_.not_allowed;
  counts.connections_over_limit = counts_.over_limit;
  counts.connections_out_of_time = counts_.out_of_time;
  counts.connections_no_session = counts_.no_session;
  counts.requests_unauthorized = counts_.unauthorized;
  counts.requests_busy = counts_.busy;
  counts.requests_invalid = counts_.invalid;
  return counts;
}

// ---- the thread

void HttpListener::Run() {
  // A client that is gone while OpenSSL writes to it is an error of that connection and no more.
  sigset_t broken_pipe;
  sigemptyset(&broken_pipe);
  sigaddset(&broken_pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &broken_pipe, nullptr);
  while (!ending_) {
    const Nanoseconds began = clock_->Elapsed();
    event_base_loop(loop_->base.get(), EVLOOP_ONCE);
    NoteLook(began);
    const std::lock_guard lock(mutex_);
    if (!stopping_ || stopped_) continue;
    connections_->Stop();
    stopped_ = true;
    has_stopped_.notify_all();
  }
  AnswerCommitted();
  for (const int end = loop_->ticks + kLastTicks; connections_->writes() && loop_->ticks < end;)
    event_base_loop(loop_->base.get(), EVLOOP_ONCE);
}

// What arrived before the look began has been read, but for requests that have not ended, and for those that
// wait behind one which has not been answered. Who is refused for want of room has not been heard.
void HttpListener::NoteLook(Nanoseconds began) {
  const auto often = std::chrono::microseconds(kTick.tv_usec);
  if (began - loop_->noted < often || IsBusy()) return;
  loop_->noted = began;
  caught_up_ = std::max(caught_up_.load(), connections_->Oldest(began).count());
}

void HttpListener::Tick() {
  if (++loop_->ticks % kSlowTicks == 0) connections_->CloseSlow();
}

void HttpListener::Hold(HttpConnections::Id id, HttpAnswer answer, PushedMessages* messages) {
  Unanswered& request = unanswered_.emplace_back();
  request.receipt = ++last_receipt_;
  request.connection = id;
  request.bytes = messages->bytes();
  request.answer = std::move(answer);
  unanswered_bytes_ += request.bytes;
  messages->SetReceipt(last_receipt_);
  queue_.Put(messages);
}

void HttpListener::AnswerCommitted() {
  const uint64_t committed = committed_;
  while (!unanswered_.empty() && unanswered_.front().receipt <= committed) {
    // Answering may bring the connection's next request, which joins the end.
    const Unanswered request = std::move(unanswered_.front());
    unanswered_.pop_front();
    unanswered_bytes_ -= request.bytes;
    connections_->Answer(request.connection, request.answer);
  }
}

bool HttpListener::IsAllowed(const IpAddress& peer) const {
  return options_.allowed.empty() || std::any_of(options_.allowed.begin(), options_.allowed.end(),
                                                 [&](const Cidr& cidr) { return cidr.Contains(peer); });
}

}  // namespace redthread
