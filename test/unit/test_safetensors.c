#include "trainer/safetensors.h"

#include <stdlib.h>
#include <string.h>

#include "test/harness.h"

/* A file with this header and `data_size` zero bytes after it. */
static struct bytes file_of(const char *header, size_t data_size)
{
    static uint8_t room[4096];
    size_t size = strlen(header);
    memset(room, 0, sizeof(room));
    room[0] = (uint8_t)size;
    room[1] = (uint8_t)(size >> 8);
    memcpy(room + 8, header, size);
    return bytes_of(room, 8 + size + data_size);
}

static void expect(const char *header, size_t data_size, enum err want, const char *sentence)
{
    struct safetensors_tensor tensors[3];
    struct fault fault = {0};
    uint32_t count = 99;
    ck_assert_int_eq(safetensors_read(tensors, &count, 3, file_of(header, data_size), &fault),
                     want);
    ck_assert_str_eq(fault.text, sentence);
    if (want)
        ck_assert_uint_eq(count, 99);
}

START_TEST(the_writer_is_canonical)
{
    static const uint8_t six[24] = {1, 2, 3}, bytes[2] = {9, 8};
    const struct safetensors_tensor tensors[] = {
        {bytes_text("weight"), SAFETENSORS_F32, 2, {2, 3}, bytes_of(six, 24)},
        {bytes_text("b"), SAFETENSORS_I8, 1, {2}, bytes_of(bytes, 2)},
    };
    const struct safetensors_note note = {bytes_text("k"), bytes_text("v")};
    static const char want[] =
        "{\"__metadata__\":{\"k\":\"v\"},\"weight\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_"
        "offsets\":"
        "[0,24]},\"b\":{\"dtype\":\"I8\",\"shape\":[2],\"data_offsets\":[24,26]}}   ";
    uint8_t out[256];
    size_t size = safetensors_size(tensors, 2, &note, 1);
    ck_assert_uint_eq(size, 8 + sizeof(want) - 1 + 26);
    ck_assert_uint_eq((sizeof(want) - 1) % 8, 0);
    safetensors_write(out, tensors, 2, &note, 1);
    ck_assert_uint_eq(out[0], sizeof(want) - 1);
    ck_assert_int_eq(memcmp(out + 8, want, sizeof(want) - 1), 0);
    ck_assert_int_eq(memcmp(out + size - 26, six, 24), 0);

    struct safetensors_tensor got[2];
    uint32_t count;
    ck_assert_int_eq(safetensors_read(got, &count, 2, bytes_of(out, size), NULL), ERR_NONE);
    ck_assert_uint_eq(count, 2);
    ck_assert_uint_eq(got[0].rank, 2);
    ck_assert_uint_eq(got[0].shape[1], 3);
    ck_assert(bytes_equal(got[1].name, bytes_text("b")));
    ck_assert(bytes_equal(got[1].data, bytes_of(bytes, 2)));
}
END_TEST

START_TEST(other_writers_order_and_spaces_are_taken)
{
    struct safetensors_tensor got[2];
    uint32_t count;
    struct bytes file =
        file_of(" {\"late\" : {\"shape\":[ ],\"data_offsets\":[1,5],\n\"dtype\":\"F32\"},\t"
                "\"early\":{\"dtype\":\"U8\",\"shape\":[1,1],\"data_offsets\":[0,1]} } ",
                5);
    ck_assert_int_eq(safetensors_read(got, &count, 2, file, NULL), ERR_NONE);
    ck_assert_uint_eq(count, 2);
    ck_assert(bytes_equal(got[0].name, bytes_text("early")));
    ck_assert_uint_eq(got[1].rank, 0);
    expect("{}", 0, ERR_NONE, "");
}
END_TEST

START_TEST(malformed_headers_are_refused_where_they_go_wrong)
{
#define AT(n) "safetensors: at byte " #n " of the header "
    expect("", 0, ERR_MALFORMED, AT(0) "a { is missing");
    expect("{", 0, ERR_MALFORMED, AT(1) "a \" is missing");
    expect("{}x", 0, ERR_MALFORMED, AT(2) "something follows the last }");
    expect("{\"a\"}", 0, ERR_MALFORMED, AT(4) "a : is missing");
    expect("{\"a\\\"\":1}", 0, ERR_MALFORMED,
           AT(3) "a string has a character other than plain ASCII");
    expect("{\"a\":{}}", 0, ERR_MALFORMED, AT(7) "a tensor lacks dtype, shape or data_offsets");
    expect("{\"a\":{\"x\":1}}", 0, ERR_MALFORMED,
           AT(10) "a tensor has a key other than dtype, shape, data_offsets");
    expect("{\"a\":{\"dtype\":\"F64\"}}", 0, ERR_MALFORMED,
           AT(19) "a dtype is none of F32, I8, U8");
    expect("{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\"}}", 0, ERR_MALFORMED,
           AT(33) "a tensor has a key twice");
    expect("{\"a\":{\"shape\":[1,2,3,4,5]}}", 0, ERR_LIMIT,
           AT(23) "a shape has more than 4 dimensions");
    expect("{\"a\":{\"shape\":[01]}}", 0, ERR_MALFORMED, AT(17) "a number begins with 0");
    expect("{\"a\":{\"shape\":[-1]}}", 0, ERR_MALFORMED, AT(15) "a number is missing");
    expect("{\"a\":{\"shape\":[99999999999999999999]}}", 0, ERR_LIMIT,
           AT(31) "a number is over 2^53");
    expect("{\"__metadata__\":{\"a\":1}}", 0, ERR_MALFORMED, AT(21) "a \" is missing");
    expect("{\"__metadata__\":{},\"__metadata__\":{}}", 0, ERR_MALFORMED,
           AT(34) "a name stands twice");
}
END_TEST

#define TENSOR(name, shape, from, to)                                                              \
    "\"" name "\":{\"dtype\":\"I8\",\"shape\":[" shape "],\"data_offsets\":[" from "," to "]}"

START_TEST(sizes_must_follow_from_each_other)
{
    expect("{" TENSOR("a", "3", "0", "2") "}", 2, ERR_MALFORMED,
           AT(52) "data_offsets don't follow from dtype and shape");
    expect("{" TENSOR("a", "2", "0", "2") "}", 1, ERR_MALFORMED,
           AT(52) "data_offsets are outside the file");
    expect("{" TENSOR("a", "2", "2", "0") "}", 2, ERR_MALFORMED,
           AT(52) "data_offsets are outside the file");
    expect("{" TENSOR("a", "4294967296,4294967296", "0", "0") "}", 0, ERR_MALFORMED,
           AT(72) "data_offsets don't follow from dtype and shape");
    expect("{" TENSOR("a", "2", "0", "2") "}", 3, ERR_MALFORMED,
           "safetensors: 1 bytes follow the last tensor");
    expect("{" TENSOR("a", "1", "1", "2") "}", 2, ERR_MALFORMED,
           "safetensors: at byte 0 of the data is a gap or an overlap");
    expect("{" TENSOR("a", "2", "0", "2") "," TENSOR("b", "2", "1", "3") "}", 3, ERR_MALFORMED,
           "safetensors: at byte 2 of the data is a gap or an overlap");
    expect("{" TENSOR("a", "1", "0", "1") "," TENSOR("a", "1", "1", "2") "}", 2, ERR_MALFORMED,
           AT(57) "a name stands twice");
    expect("{" TENSOR("a", "1", "0", "1") "," TENSOR("b", "1", "1", "2") "," TENSOR(
               "c", "1", "2", "3") "," TENSOR("d", "1", "3", "4") "}",
           4, ERR_LIMIT, AT(161) "there are too many tensors");
}
END_TEST

START_TEST(the_header_s_size_is_checked_first)
{
    struct safetensors_tensor tensor;
    struct fault fault = {0};
    uint32_t count;
    uint8_t file[16] = {9};
    ck_assert_int_eq(safetensors_read(&tensor, &count, 1, bytes_of(file, 7), &fault),
                     ERR_MALFORMED);
    ck_assert_str_eq(fault.text, "safetensors: 7 bytes are no file");
    ck_assert_int_eq(safetensors_read(&tensor, &count, 1, bytes_of(file, 16), &fault),
                     ERR_MALFORMED);
    ck_assert_str_eq(fault.text, "safetensors: the header's 9 bytes are more than there are");
    memset(file, 0xff, 8);
    ck_assert_int_eq(safetensors_read(&tensor, &count, 1, bytes_of(file, 16), &fault), ERR_LIMIT);
    ck_assert_str_eq(
        fault.text,
        "safetensors: a header of 18446744073709551615 bytes; at most 1048576 are possible");
}
END_TEST

HARNESS_MAIN("safetensors", the_writer_is_canonical, other_writers_order_and_spaces_are_taken,
             malformed_headers_are_refused_where_they_go_wrong, sizes_must_follow_from_each_other,
             the_header_s_size_is_checked_first)
