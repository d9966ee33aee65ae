#include "storage/alert_store.h"

#include <random>

#include "storage/alert_codec.h"
#include "storage/dead_letter_store.h"
#include "storage/outbox.h"
#include "tests/storage/storage_fixture.h"

namespace redthread {
namespace {

Alert MakeAlert(const std::string& id, int64_t time = 0) {
  Alert alert;
  alert.id = id;
  alert.state = AlertState::kFinal;
  alert.correlation = true;
  alert.rule_id = "3d2b1b4e";
  alert.rule_title = "Password guessed";
  alert.level = Level::kHigh;
  alert.tags = {"attack.t1110", ""};
  alert.group = {{"User", "alice"}, {"IpAddress", std::string("10\0 1", 5)}};
  alert.time.ns = time;
  alert.first.ns = time - 100;
  alert.last.ns = time;
  alert.count = 12;
  for (uint32_t i = 0; i < 3; ++i) {
    Hash128 hash{};
    hash.front() = 0xff;
    hash.back() = static_cast<uint8_t>(i);
    alert.evidence.push_back({{time - i}, "rule", "auth.log", {i, 1, 1000 + i, 55}, hash});
  }
  alert.explain = "Somebody tried many passwords, and one was right.";
  alert.replaced_by = "01fe";
  alert.ended = Timestamp{time + 5};
  alert.by_clock = true;
  return alert;
}

std::string Bytes(const Alert& alert) {
  RowWriter row;
  WriteAlert(alert, &row);
  return std::string(row.payload());
}

class AlertStoreTest : public StorageTest {
 protected:
  void SetUp() override {
    Open();
    transaction_ = std::make_unique<StateTransaction>(database_.get());
  }
  void TearDown() override { transaction_.reset(); }

  std::vector<std::string> Outbox(uint64_t after = 0) {
    std::vector<std::string> items;
    Damage damage;
    const auto visit = [&](const OutboxItem& item) {
      items.push_back(std::to_string(item.sequence) + ' ' + item.DeliveryId() + ' ' +
                      std::to_string(static_cast<int>(item.state)));
      return true;
    };
    EXPECT_TRUE(IsOk(ForEachOutboxItem(*transaction_, after, visit, &damage)));
    EXPECT_EQ(damage.rows, 0u);
    return items;
  }
  std::vector<std::string> Ids(const AlertQuery& query, Damage* damage) {
    std::vector<std::string> ids;
    const auto visit = [&](const Alert& alert) {
      ids.push_back(alert.id);
      return true;
    };
    EXPECT_TRUE(IsOk(ForEachAlert(*transaction_, query, visit, damage)));
    return ids;
  }
  std::unique_ptr<StateTransaction> transaction_;
};

TEST_F(AlertStoreTest, AnAlertIsReadBackWhole) {
  const Alert alert = MakeAlert("00ff", 1'000'000);
  ASSERT_TRUE(IsOk(PutAlert(transaction_.get(), alert)));
  ASSERT_TRUE(IsOk(transaction_->Commit()));
  const Result<Alert> read = GetAlert(*database_->Snapshot(), "00ff");
  ASSERT_TRUE(IsOk(read));
  EXPECT_EQ(Bytes(*read), Bytes(alert));
  EXPECT_EQ(read->group, alert.group);
  EXPECT_EQ(read->tags, alert.tags);
  ASSERT_EQ(read->evidence.size(), 3u);
  EXPECT_EQ(read->evidence[2].position, alert.evidence[2].position);
  EXPECT_EQ(read->evidence[2].position.cursor, 55u);
  EXPECT_EQ(read->evidence[2].raw_hash, alert.evidence[2].raw_hash);
  EXPECT_EQ(read->replaced_by, "01fe");
  EXPECT_EQ(read->ended, alert.ended);
  EXPECT_TRUE(read->by_clock);
  EXPECT_TRUE(read->correlation);
  EXPECT_FALSE(read->late);
}

TEST_F(AlertStoreTest, EveryCutOfAnAlertIsRefusedAndLaterFieldsAreSkipped) {
  const std::string whole = Bytes(MakeAlert("00ff"));
  Alert read;
  // Alerts had no end once.
  constexpr size_t kEndBytes = 1 + sizeof(int64_t);
  read = {};
  EXPECT_TRUE(ReadAlert(whole.substr(0, whole.size() - kEndBytes), &read));
  EXPECT_FALSE(read.ended.has_value());
  for (size_t cut = 0; cut < whole.size(); ++cut) {
    if (cut == whole.size() - kEndBytes) continue;
    read = {};
    EXPECT_FALSE(ReadAlert(whole.substr(0, cut), &read)) << cut;
  }
  read = {};
  ASSERT_TRUE(ReadAlert(whole + "fields of a later version", &read));
  EXPECT_EQ(Bytes(read), whole);
}

TEST_F(AlertStoreTest, RandomBytesAreNeverMoreThanRefused) {
  std::mt19937_64 random(2);
  const std::string whole = Bytes(MakeAlert("00ff"));
  for (int i = 0; i < 20'000; ++i) {
    std::string damaged = whole;
    for (int n = 0; n < 3; ++n) damaged[random() % damaged.size()] = static_cast<char>(random());
    Alert read;
    (void)ReadAlert(damaged, &read);
  }
}

TEST_F(AlertStoreTest, EachToldRevisionIsOneOutboxItemAndQuietGrowthIsNone) {
  Alert alert = MakeAlert("aa");
  alert.state = AlertState::kEarly;
  ASSERT_TRUE(IsOk(PutAlert(transaction_.get(), alert)));
  alert.count = 13;
  ASSERT_TRUE(IsOk(PutAlert(transaction_.get(), alert)));
  ASSERT_TRUE(IsOk(PutAlert(transaction_.get(), MakeAlert("bb"))));
  alert.revision = 2;
  alert.state = AlertState::kWithdrawn;
  ASSERT_TRUE(IsOk(PutAlert(transaction_.get(), alert)));
  EXPECT_EQ(Outbox(), (std::vector<std::string>{"1 aa.1 0", "2 bb.1 1", "3 aa.2 2"}));
  EXPECT_EQ(Outbox(2), (std::vector<std::string>{"3 aa.2 2"}));
  EXPECT_EQ(GetAlert(*transaction_, "aa")->count, 13u);
  EXPECT_EQ(*CountAlerts(*transaction_, {}), 2u);
}

TEST_F(AlertStoreTest, RevisionsNeitherSkipNorGoBack) {
  Alert alert = MakeAlert("aa");
  for (uint32_t bad : {0u, 2u, ~0u}) {
    alert.revision = bad;
    EXPECT_EQ(PutAlert(transaction_.get(), alert).code(), StatusCode::kInvalid) << bad;
  }
  for (uint32_t good : {1u, 2u, 3u}) {
    alert.revision = good;
    ASSERT_TRUE(IsOk(PutAlert(transaction_.get(), alert)));
  }
  for (uint32_t bad : {0u, 1u, 2u, 5u}) {
    alert.revision = bad;
    EXPECT_TRUE(Fails(PutAlert(transaction_.get(), alert), StatusCode::kInvalid, "is at revision 3")) << bad;
  }
  alert.id = "";
  EXPECT_EQ(PutAlert(transaction_.get(), alert).code(), StatusCode::kInvalid);
  EXPECT_EQ(Outbox().size(), 3u);
}

TEST_F(AlertStoreTest, AnAlertAndItsOutboxItemAreOneWrite) {
  ASSERT_TRUE(IsOk(PutAlert(transaction_.get(), MakeAlert("aa"))));
  transaction_->Abandon();
  EXPECT_EQ(GetAlert(*transaction_, "aa").status().code(), StatusCode::kNotFound);
  EXPECT_TRUE(Outbox().empty());
}

TEST_F(AlertStoreTest, AnAlertIsFoundByTheBeginningOfItsIdWhenThatIsUnique) {
  for (const char* id : {"ab12", "ab34", "ab35", "cd", "cdef"}) {
    ASSERT_TRUE(IsOk(PutAlert(transaction_.get(), MakeAlert(id))));
  }
  EXPECT_EQ(FindAlert(*transaction_, "ab1")->id, "ab12");
  EXPECT_EQ(FindAlert(*transaction_, "cd")->id, "cd") << "the whole id wins over one that it begins";
  EXPECT_EQ(FindAlert(*transaction_, "cde")->id, "cdef");
  EXPECT_TRUE(Fails(FindAlert(*transaction_, "ab3").status(), StatusCode::kInvalid, "ab34, ab35"));
  EXPECT_TRUE(Fails(FindAlert(*transaction_, "").status(), StatusCode::kInvalid, "ab12, ab34, ab35, ..."));
  EXPECT_EQ(FindAlert(*transaction_, "ef").status().code(), StatusCode::kNotFound);
}

TEST_F(AlertStoreTest, ListsAreByTimeInEitherDirectionAndSkipDamage) {
  const std::pair<const char*, int64_t> alerts[] = {{"e", 30}, {"a", -10}, {"c", 10}, {"b", 10}, {"d", 20}};
  for (const auto& [id, time] : alerts) ASSERT_TRUE(IsOk(PutAlert(transaction_.get(), MakeAlert(id, time))));
  Damage damage;
  AlertQuery query;
  EXPECT_EQ(Ids(query, &damage), (std::vector<std::string>{"e", "d", "c", "b", "a"}));
  query.newest_first = false;
  EXPECT_EQ(Ids(query, &damage), (std::vector<std::string>{"a", "b", "c", "d", "e"}));
  query.begin.ns = 10;
  query.end.ns = 20;
  EXPECT_EQ(Ids(query, &damage), (std::vector<std::string>{"b", "c", "d"}));
  EXPECT_EQ(*CountAlerts(*transaction_, query), 3u);
  EXPECT_EQ(damage.rows, 0u);
  transaction_->Put(ColumnFamily::kAlert, "ac", "spoilt");
  EXPECT_EQ(Ids(query, &damage), (std::vector<std::string>{"b", "d"}));
  EXPECT_EQ(damage.rows, 1u);
  EXPECT_TRUE(Fails(damage.first, StatusCode::kCorrupt, "alert row ac"));
}

TEST_F(AlertStoreTest, AnAlertWhoseTimeMovesStandsInTheListOnce) {
  Alert alert = MakeAlert("aa", 10);
  ASSERT_TRUE(IsOk(PutAlert(transaction_.get(), alert)));
  alert.time.ns = 99;
  ASSERT_TRUE(IsOk(PutAlert(transaction_.get(), alert)));
  Damage damage;
  EXPECT_EQ(Ids({}, &damage), (std::vector<std::string>{"aa"}));
  EXPECT_EQ(damage.rows, 0u);
}

TEST_F(AlertStoreTest, SinksKeepTheirOwnCursorsAndNumbersAreNeverUsedAgain) {
  for (const char* id : {"a", "b", "c"}) ASSERT_TRUE(IsOk(PutAlert(transaction_.get(), MakeAlert(id))));
  SetSinkCursor(transaction_.get(), "siem", 3);
  SetSinkCursor(transaction_.get(), "mail", 2);
  EXPECT_EQ(*GetSinkCursor(*transaction_, "siem"), 3u);
  EXPECT_EQ(*GetSinkCursor(*transaction_, "mail"), 2u);
  EXPECT_EQ(*GetSinkCursor(*transaction_, "new"), 0u);
  EXPECT_EQ(*TrimOutbox(transaction_.get(), 2, 1), 1u);
  EXPECT_EQ(*TrimOutbox(transaction_.get(), 3, 100), 2u);
  EXPECT_TRUE(Outbox().empty());
  ASSERT_TRUE(IsOk(transaction_->Commit()));
  transaction_.reset();
  SetUp();
  ASSERT_TRUE(IsOk(PutAlert(transaction_.get(), MakeAlert("d"))));
  EXPECT_EQ(Outbox(), (std::vector<std::string>{"4 d.1 1"}));
}

TEST_F(AlertStoreTest, DeadLettersAreKeptByPosition) {
  const auto put = [&](SourceId source, uint64_t index, std::string raw) {
    PutDeadLetter(transaction_.get(),
                  {{source, 0, index, 0}, {77}, "string without an end", 5, raw.size(), raw});
  };
  put(2, 5, "b");
  put(1, 9, std::string(5000, 'x'));
  put(2, 4, "a");
  std::vector<StoredDeadLetter> letters;
  Damage damage;
  const auto visit = [&](const StoredDeadLetter& letter) {
    letters.push_back(letter);
    return true;
  };
  ASSERT_TRUE(IsOk(ForEachDeadLetter(*transaction_, std::nullopt, visit, &damage)));
  ASSERT_EQ(letters.size(), 3u);
  EXPECT_EQ(letters[0].position, (Position{1, 0, 9, 0}));
  EXPECT_EQ(letters[0].raw_size, 5000u);
  EXPECT_EQ(letters[0].raw_prefix.size(), StoredDeadLetter::kMaxRaw);
  EXPECT_EQ(letters[0].reason, "string without an end");
  EXPECT_EQ(letters[0].offset, 5u);
  EXPECT_EQ(letters[0].arrival, Timestamp{77});
  letters.clear();
  ASSERT_TRUE(IsOk(ForEachDeadLetter(*transaction_, 2, visit, &damage)));
  ASSERT_EQ(letters.size(), 2u);
  EXPECT_EQ(letters[0].raw_prefix, "a");
  EXPECT_EQ(damage.rows, 0u);
}

}  // namespace
}  // namespace redthread
