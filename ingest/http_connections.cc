#include "ingest/http_connections.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <sys/socket.h>

#include <algorithm>
#include <ctime>
#include <utility>
#include <vector>

namespace redthread {

namespace {

// What libevent reads from a connection at once.
constexpr size_t kReadBytes = 64 << 10;
// A client that does not read its answers sends no more requests.
constexpr size_t kMaxUnreadAnswers = 64 << 10;
// How long a client may go on sending after it was told that the connection ends.
constexpr Nanoseconds kLinger = std::chrono::seconds(5);

// Source: RFC 9110, 15.
const char* ReasonOf(int status) {
  constexpr std::pair<int, const char*> kReasons[] = {{200, "OK"},
                                                      {400, "Bad Request"},
                                                      {401, "Unauthorized"},
                                                      {403, "Forbidden"},
                                                      {404, "Not Found"},
                                                      {405, "Method Not Allowed"},
                                                      {408, "Request Timeout"},
                                                      {413, "Content Too Large"},
                                                      {415, "Unsupported Media Type"},
                                                      {417, "Expectation Failed"},
                                                      {429, "Too Many Requests"},
                                                      {431, "Request Header Fields Too Large"},
                                                      {501, "Not Implemented"},
                                                      {503, "Service Unavailable"},
                                                      {505, "HTTP Version Not Supported"}};
  for (const auto& [known, reason] : kReasons) {
    if (known == status) return reason;
  }
  return "Error";
}

// "Sun, 06 Nov 1994 08:49:37 GMT". Source: RFC 9110, 5.6.7.
std::string HttpDate(Timestamp now) {
  const time_t seconds = static_cast<time_t>(now.ns / 1'000'000'000);
  tm parts{};
  gmtime_r(&seconds, &parts);
  constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  char rest[32] = "";
  // Names are spelt out: strftime's depend on the locale.
  strftime(rest, sizeof rest, " %Y %H:%M:%S GMT", &parts);
  char day[8] = "";
  strftime(day, sizeof day, "%d", &parts);
  return std::string(kDays[parts.tm_wday]) + ", " + day + " " + kMonths[parts.tm_mon] + rest;
}

}  // namespace

class HttpConnections::Connection {
 public:
  Connection(HttpConnections* owner, Id id, bufferevent* stream, const IpAddress& peer)
      : owner_(owner),
        id_(id),
        stream_(stream),
        peer_(peer),
        parser_(owner->options_.parser),
        established_(owner->options_.tls == nullptr),
        began_(owner->clock_->Elapsed()) {
    bufferevent_setcb(
        stream_, [](bufferevent*, void* self) { static_cast<Connection*>(self)->Read(); },
        [](bufferevent*, void* self) { static_cast<Connection*>(self)->OnWritten(); },
        [](bufferevent*, short what, void* self) { static_cast<Connection*>(self)->OnEvent(what); }, this);
    bufferevent_setwatermark(stream_, EV_READ, 0, kReadBytes);
    bufferevent_enable(stream_, EV_READ);
  }
  ~Connection() {
    Hold(0);
    bufferevent_free(stream_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // What the records' durability was awaited for.
  void GiveAwaited(const HttpAnswer& answer) {
    state_ = State::kReading;
    Write(answer);
    bufferevent_enable(stream_, EV_READ);
    Read();
  }
  // Tells the client when it is a request that takes too long. False when there is nothing to be told.
  bool GiveUp() {
    if (state_ != State::kReading || !parser_.unfinished()) return false;
    WriteLast(owner_->service_->Failure(parser_.request(), 408, "the request took too long"));
    return true;
  }
  // Takes no more requests. False when nothing is left to be given either.
  bool Stop() {
    keep_alive_ = false;
    if (state_ == State::kReading && writes()) state_ = State::kClosing;
    return state_ != State::kReading;
  }

  bool IsSlow(Nanoseconds now) const {
    const Options& options = owner_->options_;
    if (state_ == State::kAwaiting) return false;
    if (state_ == State::kClosing)
      return now - answered_ > kLinger + (writes() ? options.request_timeout : Nanoseconds(0));
    if (writes()) return now - answered_ > options.request_timeout;
    return now - began_ > (has_begun() ? options.request_timeout : options.idle_timeout);
  }
  // Whether a request is being read or awaits its answer; a new connection's first counts from the beginning.
  bool has_begun() const { return state_ == State::kAwaiting || parser_.unfinished() || !answered_any_; }
  bool writes() const { return evbuffer_get_length(bufferevent_get_output(stream_)) > 0; }
  bool is_closing() const { return state_ == State::kClosing; }
  bool is_reading() const { return state_ == State::kReading; }
  Nanoseconds began() const { return began_; }
  const IpAddress& peer() const { return peer_; }
  Id id() const { return id_; }

 private:
  enum class State {
    kReading,
    kAwaiting,  // its records are not durable yet: nothing is read
    kClosing,   // the last answer is given: what still comes is thrown away
  };

  // Reads on as far as there is something to read.
  void Read() {
    evbuffer* const input = bufferevent_get_input(stream_);
    for (;;) {
      if (state_ == State::kClosing) {
        evbuffer_drain(input, evbuffer_get_length(input));
        return;
      }
      if (state_ == State::kAwaiting) return;
      if (evbuffer_get_length(bufferevent_get_output(stream_)) > kMaxUnreadAnswers) {
        bufferevent_disable(stream_, EV_READ);  // until OnWritten
        return;
      }
      evbuffer_iovec part{};
      if (evbuffer_peek(input, -1, nullptr, &part, 1) < 1 || part.iov_len == 0) return;
      if (!has_begun()) began_ = owner_->clock_->Elapsed();
      std::string_view bytes(static_cast<const char*>(part.iov_base), part.iov_len);
      const HttpParser::Step step = parser_.Feed(&bytes);
      evbuffer_drain(input, part.iov_len - bytes.size());
      Take(step);
    }
  }

  void Take(HttpParser::Step step) {
    switch (step) {
      case HttpParser::Step::kMore:
        return HoldBody();
      case HttpParser::Step::kHead: {
        TakeHead();
        std::string_view nothing;  // there may be no body to wait for
        if (state_ == State::kReading) Take(parser_.Feed(&nothing));
        return;
      }
      case HttpParser::Step::kDone:
        return TakeRequest();
      case HttpParser::Step::kFailed:
        ++owner_->counts_->invalid;
        return WriteLast(
            owner_->service_->Failure(parser_.request(), parser_.failure_status(), parser_.failure_reason()));
    }
  }

  void TakeHead() {
    const HttpRequest& request = parser_.request();
    ++owner_->counts_->requests;
    keep_alive_ = request.keep_alive && !owner_->stopped_;
    is_head_ = request.method == "HEAD";
    HttpService::Verdict verdict = owner_->service_->Judge(request, owner_->is_busy_());
    token_ = std::move(verdict.token);
    refusal_ = std::move(verdict.refusal);
    if (refusal_.has_value()) {
      Count(refusal_->status);
      if (request.awaits_continue) return WriteLast(*refusal_);
      return parser_.Discard();
    }
    if (request.awaits_continue) {
      constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
      bufferevent_write(stream_, kContinue.data(), kContinue.size());
    }
  }

  void Count(int status) {
    Counts* const counts = owner_->counts_;
    if (status == 401 || status == 403) {
      ++counts->unauthorized;
    } else if (status == 429 || status == 503) {
      ++counts->busy;
    } else if (status != 200) {
      ++counts->invalid;
    }
  }

  // Notes how much memory the body takes; all bodies together may take no more than a limit.
  void HoldBody() {
    Hold(parser_.request().body.size());
    if (owner_->held_bytes_ <= owner_->options_.max_held_bytes || refusal_.has_value()) return;
    refusal_ = owner_->service_->Busy(parser_.request());
    Count(refusal_->status);
    parser_.Discard();
    Hold(0);
  }
  void Hold(size_t bytes) {
    owner_->held_bytes_ = owner_->held_bytes_ - held_ + bytes;
    held_ = bytes;
  }

  void TakeRequest() {
    if (refusal_.has_value()) return Answer(*std::exchange(refusal_, std::nullopt));
    const Sender sender =
        token_.empty() ? Sender{peer_, Transport::kHttp, {}} : Sender{std::nullopt, Transport::kHttp, token_};
    RequestRecords records(sender, owner_->clock_->Now(), owner_->options_.records);
    HttpAnswer answer = owner_->service_->Serve(parser_.request(), &records);
    Count(answer.status);
    if (records.overflowed() || records.count() == 0) return Answer(answer);
    EndRequest();
    state_ = State::kAwaiting;
    bufferevent_disable(stream_, EV_READ);
    owner_->hold_(id_, std::move(answer), &records.messages());
  }

  void Answer(const HttpAnswer& answer) {
    EndRequest();
    Write(answer);
  }
  void EndRequest() {
    parser_.Next();
    Hold(0);
  }

  void WriteLast(const HttpAnswer& answer) {
    keep_alive_ = false;
    Write(answer);
  }

  void Write(const HttpAnswer& answer) {
    answered_ = began_ = owner_->clock_->Elapsed();
    answered_any_ = true;
    std::string text = "HTTP/1.1 " + std::to_string(answer.status) + " " + ReasonOf(answer.status) +
                       "\r\nDate: " + HttpDate(owner_->clock_->Now()) +
                       "\r\nContent-Type: " + answer.content_type +
                       "\r\nContent-Length: " + std::to_string(answer.body.size()) +
                       "\r\nX-Content-Type-Options: nosniff\r\n";
    for (const auto& [name, value] : answer.headers)
      text.append(name).append(": ").append(value).append("\r\n");
    text += keep_alive_ ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n";
    if (!is_head_) text += answer.body;
    is_head_ = false;
    bufferevent_write(stream_, text.data(), text.size());
    if (!keep_alive_) state_ = State::kClosing;
  }

  // All that was to be written is with the system.
  void OnWritten() {
    if (state_ == State::kClosing) {
      if (at_end_) return owner_->Close(this);  // destroys this
      // The client sees the end, and what it still sends is read: else the answer could be lost to it.
      shutdown(bufferevent_getfd(stream_), SHUT_WR);
      return;
    }
    if (state_ != State::kReading || (bufferevent_get_enabled(stream_) & EV_READ) != 0) return;
    bufferevent_enable(stream_, EV_READ);
    Read();
  }

  void OnEvent(short what) {
    established_ |= (what & BEV_EVENT_CONNECTED) != 0;
    if ((what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) == 0) return;
    if (!established_) ++owner_->counts_->no_session;
    // Whoever only ended its own side still gets its answer.
    at_end_ = true;
    const bool is_answered = (what & BEV_EVENT_ERROR) == 0 && writes();
    if (!is_answered) return owner_->Close(this);  // destroys this
    state_ = State::kClosing;
  }

  HttpConnections* const owner_;
  const Id id_;
  bufferevent* const stream_;
  const IpAddress peer_;
  HttpParser parser_;
  State state_ = State::kReading;
  bool established_;                   // the TLS session, where there is one
  bool at_end_ = false;                // of what the client sends
  bool answered_any_ = false;          // a request, since the connection began
  Nanoseconds began_;                  // when the request at hand did, or the wait for it
  Nanoseconds answered_{0};            // when the last answer was given
  bool keep_alive_ = true;             // behind the request at hand
  bool is_head_ = false;               // its method: the answer has no body
  std::string token_;                  // that it showed
  std::optional<HttpAnswer> refusal_;  // what it will be answered with, once it has been passed over
  size_t held_ = 0;
};

HttpConnections::HttpConnections(event_base* base, int socket, const Options& options, HttpService* service,
                                 StreamAcceptor::IsAllowed is_allowed, std::function<bool()> is_busy,
                                 Hold hold, Clock* clock, Counts* counts)
    : options_(options),
      service_(service),
      is_busy_(std::move(is_busy)),
      hold_(std::move(hold)),
      clock_(clock),
      counts_(counts),
      acceptor_(
          base, socket, options, std::move(is_allowed),
          [this](bufferevent* stream, const IpAddress& peer) { Begin(stream, peer); }, counts) {}

HttpConnections::~HttpConnections() = default;

void HttpConnections::Begin(bufferevent* stream, const IpAddress& peer) {
  const Id id = next_id_++;
  connections_.emplace(id, std::make_unique<Connection>(this, id, stream, peer));
}

void HttpConnections::Close(Connection* connection) {
  acceptor_.Closed(connection->peer());
  connections_.erase(connection->id());
}

void HttpConnections::Answer(Id id, const HttpAnswer& answer) {
  const auto found = connections_.find(id);
  if (found != connections_.end()) found->second->GiveAwaited(answer);
}

void HttpConnections::CloseSlow() {
  if (!stopped_) acceptor_.GoOn();
  const Nanoseconds now = clock_->Elapsed();
  std::vector<Connection*> slow;
  for (const auto& [id, connection] : connections_) {
    if (connection->IsSlow(now)) slow.push_back(connection.get());
  }
  for (Connection* connection : slow) {
    if (connection->has_begun() && connection->is_reading()) ++counts_->out_of_time;
    if (!connection->GiveUp()) Close(connection);
  }
}

void HttpConnections::Stop() {
  stopped_ = true;
  acceptor_.Stop();
  std::vector<Connection*> over;
  for (const auto& [id, connection] : connections_) {
    if (!connection->Stop()) over.push_back(connection.get());
  }
  for (Connection* connection : over) Close(connection);
}

bool HttpConnections::writes() const {
  return std::any_of(connections_.begin(), connections_.end(),
                     [](const auto& entry) { return entry.second->writes(); });
}

Nanoseconds HttpConnections::Oldest(Nanoseconds now) const {
  for (const auto& [id, connection] : connections_) {
    if (connection->has_begun() && !connection->is_closing()) now = std::min(now, connection->began());
  }
  return now;
}

}  // namespace redthread
