#include "storage/source_fields.h"

#include "tests/storage/storage_fixture.h"

namespace redthread {
namespace {

using SourceFieldsTest = StorageTest;

TEST_F(SourceFieldsTest, WhatWasAddedIsThereAgain) {
  Open();
  SourceFields fields;
  EXPECT_TRUE(fields.Add("b"));
  EXPECT_TRUE(fields.Add(std::string("a\0\n", 3)));
  EXPECT_FALSE(fields.Add("b"));
  {
    StateTransaction transaction(database_.get());
    EXPECT_TRUE(GetSourceFields(transaction, 7)->names.empty());
    PutSourceFields(&transaction, 7, fields);
    ASSERT_TRUE(IsOk(transaction.Commit()));
  }
  const auto reader = database_->Snapshot();
  const Result<SourceFields> read = GetSourceFields(*reader, 7);
  ASSERT_TRUE(IsOk(read));
  EXPECT_EQ(read->names, fields.names);
  EXPECT_FALSE(read->more);
  EXPECT_TRUE(GetSourceFields(*reader, 8)->names.empty());
}

TEST_F(SourceFieldsTest, NamesBeyondTheLimitsAreToldOnceToBeThere) {
  SourceFields fields;
  const std::string longest(SourceFields::kMaxNameBytes, 'x');
  EXPECT_TRUE(fields.Add(longest));
  for (size_t n = 1; n < SourceFields::kMaxNames; ++n) EXPECT_TRUE(fields.Add(std::to_string(n)));
  EXPECT_FALSE(fields.more);
  EXPECT_FALSE(fields.Add("1"));
  EXPECT_FALSE(fields.more);
  EXPECT_TRUE(fields.Add("another"));
  EXPECT_TRUE(fields.more);
  EXPECT_FALSE(fields.Add(longest + "y"));
  EXPECT_EQ(fields.names.size(), SourceFields::kMaxNames);
}

}  // namespace
}  // namespace redthread
