// Real Kafka brokers for tests, and a producer.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace redthread {

// Brokers of deploy/kafka-dev, in a folder of their own, on ports that are free.
class TestKafka {
 public:
  // The one broker that the tests of a build share: started by ctest's fixture, else by the first who asks,
  // and stopped at the program's end. Null when this machine has no Java or Maven: skip the test then.
  static TestKafka* Shared();

  // Brokers of the caller's own, 1 or 3. Not ok() when they do not come up.
  TestKafka(const std::string& folder, int count);
  // Forgets what they hold, if this object started them.
  ~TestKafka();
  TestKafka(const TestKafka&) = delete;
  TestKafka& operator=(const TestKafka&) = delete;

  bool ok() const { return !brokers_.empty(); }
  // "127.0.0.1:20000,..."
  const std::string& brokers() const { return brokers_; }
  // Those ports that speak TLS with the certificate ca(), and want user `redthread` with password `thread`,
  // by PLAIN or SCRAM-SHA-512.
  const std::string& sasl() const { return sasl_; }
  std::string ca() const { return folder_ + "/ca.pem"; }
  const std::string& folder() const { return folder_; }
  // With what they hold; a stopped broker comes back on its port.
  void Stop();
  // `password`: what PLAIN takes from now on.
  bool Start(const std::string& password = "thread");
  // SIGKILL for one of them, from 1 on; Start brings it back.
  void Kill(int broker);

  // A topic of that many partitions, by a name that nobody has used: `name` and a number.
  std::string MakeTopic(const std::string& name, int partitions,
                        const std::vector<std::pair<std::string, std::string>>& properties = {});
  // One of exactly that name.
  void MakeTopicNamed(const std::string& topic, int partitions,
                      const std::vector<std::pair<std::string, std::string>>& properties = {});
  // So that it has that many.
  void AddPartitions(const std::string& topic, size_t partitions);
  void DeleteTopic(const std::string& topic);
  // Removes all records below that offset, as retention does.
  void DeleteRecords(const std::string& topic, int partition, int64_t before);

 private:
  int Script(const std::string& verb) const;
  std::string folder_;
  int count_;
  bool started_ = false;
  std::string brokers_;
  std::string sasl_;
};

// Waits for acknowledgements; a record that is not delivered fails the test.
class TestProducer {
 public:
  explicit TestProducer(const std::string& brokers);
  ~TestProducer();
  TestProducer(const TestProducer&) = delete;
  TestProducer& operator=(const TestProducer&) = delete;

  // Without a value: a tombstone.
  void Send(const std::string& topic, int partition, const std::optional<std::string>& value);
  // With a key and headers as well.
  void SendDressed(const std::string& topic, int partition, const std::string& value);
  void Flush();

 private:
  struct Client;
  std::unique_ptr<Client> client_;
};

}  // namespace redthread
