// Syslog over UDP on the loopback interface: how many messages a second `run` takes without losing one.
//
//   ./dev bench ingest
//   build/release/bench/ingest_udp_bench [--rules PATH] [--seconds N] [--data-dir DIR]
//
// A process of its own sends small JSON events at a steady rate; here they go the whole way: listener,
// decoder, detector, stored and committed. A row a rate: what was sent, what was stored, what the kernel had
// to drop (the three must add up), the processor's time of the receiving process. Rules: the shipped pack, or
// --rules.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>

#include "runtime/embedded.h"

namespace redthread {
namespace {

namespace fs = std::filesystem;
using SteadyClock = std::chrono::steady_clock;

[[noreturn]] void Die(const std::string& why) {
  std::fprintf(stderr, "ingest_udp_bench: %s\n", why.c_str());
  std::exit(2);
}

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) { return double(t.tv_sec) + double(t.tv_usec) / 1e6; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// About 250 bytes, as a firewall's or a server's messages are.
std::string Message(uint64_t number) {
  SystemClock clock;
  const std::string n = std::to_string(number);
  return R"({"@timestamp":")" + FormatTimestamp(clock.Now()) + R"(","host":"fw01","program":"sshd","pid":)" +
         n + R"(,"severity":"info","message":"Failed password for invalid user admin from 198.51.100.)" +
         std::to_string(number % 250) + " port " + n + R"( ssh2","src_ip":"198.51.100.7","action":"deny"})";
}

// Sends `rate` messages a second, in bursts of at most 64.
void Send(uint16_t port, uint64_t rate, uint64_t count) {
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) std::_Exit(1);
  const auto start = SteadyClock::now();
  constexpr size_t kBurst = 64;
  std::array<std::string, kBurst> texts;
  std::array<iovec, kBurst> parts{};
  std::array<mmsghdr, kBurst> messages{};
  for (uint64_t sent = 0; sent < count;) {
    const std::chrono::duration<double> passed = SteadyClock::now() - start;
    const auto due = std::min(count, static_cast<uint64_t>(passed.count() * double(rate)));
    if (due <= sent) {
      std::this_thread::sleep_for(std::chrono::microseconds(200));
      continue;
    }
    const auto n = std::min<uint64_t>(kBurst, due - sent);
    for (size_t i = 0; i < n; ++i) {
      texts[i] = Message(sent + i);
      parts[i] = {texts[i].data(), texts[i].size()};
      messages[i].msg_hdr.msg_iov = &parts[i];
      messages[i].msg_hdr.msg_iovlen = 1;
    }
    const int done = sendmmsg(fd, messages.data(), static_cast<unsigned>(n), 0);
    if (done > 0) sent += static_cast<uint64_t>(done);
  }
  close(fd);
}

struct Row {
  uint64_t sent = 0;
  uint64_t stored = 0;
  uint64_t lost = 0;
  double cpu = 0;
};

Row Measure(const std::shared_ptr<const Engine>& engine, const std::string& data_dir, uint64_t rate,
            uint64_t seconds) {
  SystemClock clock;
  fs::remove_all(data_dir);
  Embedded::Options options;
  options.data_dir = data_dir;
  ListenerInput input;
  input.name = "bench";
  input.log_source.products = {"linux"};
  std::get<SyslogListener::Options>(input.listener).address = "127.0.0.1:0";
  std::get<SyslogListener::Options>(input.listener).tcp = false;
  options.listeners = {input};
  options.on_problem = [](const std::string& text) { std::fprintf(stderr, "%s\n", text.c_str()); };
  Result<std::unique_ptr<Embedded>> embedded = Embedded::Open(engine, std::move(options), &clock);
  if (!embedded.ok()) Die(embedded.status().message());
  const uint16_t port = (*embedded)->udp_port(0);
  Row row;
  row.sent = rate * seconds;
  const double cpu = CpuSeconds();
  const pid_t sender = fork();
  if (sender == 0) {
    Send(port, rate, row.sent);
    std::_Exit(0);
  }
  std::atomic<bool> stop{false};
  std::thread run([&] {
    const Status status = (*embedded)->Run(stop);
    if (!status.ok()) Die(status.message());
  });
  waitpid(sender, nullptr, 0);
  stop = true;  // what has arrived is stored first
  run.join();
  row.cpu = CpuSeconds() - cpu;
  row.stored = (*embedded)->report().counts.records;
  row.lost = (*embedded)->report().listeners.datagrams_lost;
  return row;
}

}  // namespace

int Main(int argc, char** argv) {
  std::string rules = REDTHREAD_SOURCE_DIR "/rules/packs";
  std::string data_dir = fs::temp_directory_path() / "redthread-ingest-udp-bench";
  uint64_t seconds = 5;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string flag = argv[i];
    if (flag == "--rules") rules = argv[i + 1];
    if (flag == "--data-dir") data_dir = argv[i + 1];
    if (flag == "--seconds") seconds = std::max(1ul, std::strtoul(argv[i + 1], nullptr, 10));
  }
  Engine::Options options;
  options.rule_paths = {rules};
  options.log_sources_path = REDTHREAD_SOURCE_DIR "/rules/logsources.yml";
  options.entities_path = REDTHREAD_SOURCE_DIR "/rules/entities.yml";
  Result<std::shared_ptr<const Engine>> engine = Engine::Load(options);
  if (!engine.ok()) Die(engine.status().message());
  std::printf("syslog over UDP, %zu rules, %zu bytes a message, %lu s a row\n", (*engine)->rules().loaded(),
              Message(12345).size(), static_cast<unsigned long>(seconds));
  std::printf("%10s | %9s %9s %9s | %6s\n", "messages/s", "sent", "stored", "lost", "cores");
  for (const uint64_t rate : {10'000, 50'000, 100'000, 200'000, 400'000}) {
    const Row row = Measure(*engine, data_dir, rate, seconds);
    std::printf("%10lu | %9lu %9lu %9lu | %6.2f\n", static_cast<unsigned long>(rate),
                static_cast<unsigned long>(row.sent), static_cast<unsigned long>(row.stored),
                static_cast<unsigned long>(row.lost), row.cpu / double(seconds));
    std::fflush(stdout);
  }
  fs::remove_all(data_dir);
  return 0;
}

}  // namespace redthread

int main(int argc, char** argv) { return redthread::Main(argc, argv); }
