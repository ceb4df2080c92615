//! Reads certainly good values, each from its first byte.
//!
//! Each function returns null or false for anything that it is not sure of, which is left to the exact rules. So it
//! may accept less than they do, but never more, and never a different value.

const std = @import("std");
const Cursor = @import("cursor.zig").Cursor;

/// The format of numbers: in JSON, there are no leading zeros, and the integer 0 has no sign.
pub const Style = enum { json, csv };

/// Every number of this many digits fits a u64.
pub const most_digits = 19;

/// Read a whole number that fits `Number`, of 19 digits at most.
pub inline fn integer(cursor: *Cursor, comptime style: Style, comptime Number: type) ?Number {
    const negative = cursor.skips('-');
    const start = cursor.at;
    const digits = cursor.manyDigits(most_digits) orelse return null;
    const size = std.math.cast(i64, digits) orelse return null;
    if (style == .json and cursor.text[start] == '0' and (negative or cursor.at - start > 1)) return null;
    return std.math.cast(Number, if (negative) -size else size);
}

/// Read a finite number, rounded to the nearest double as in IEEE 754.
pub inline fn double(cursor: *Cursor, comptime style: Style) ?f64 {
    const start = cursor.at;
    const negative = cursor.skips('-');
    const first = cursor.at;
    var number = cursor.digits(15) orelse return null;
    const whole = cursor.at - first;
    if (style == .json and cursor.text[first] == '0' and whole > 1) return null;
    var places: usize = 0;
    if (cursor.skips('.')) {
        const point = cursor.at;
        const fraction = cursor.digits(17) orelse return null;
        places = cursor.at - point;
        number = if (whole + places < most_digits) number * powers[places] + fraction else std.math.maxInt(u64);
    } else if (style == .json and negative and number == 0) {
        return null; // an integer, which has no negative zero
    }
    // Both are exact as doubles, so there is only one rounding: Clinger's fast path.
    if (number <= 1 << 53 and cursor.peek() | 0x20 != 'e') {
        const size: f64 = @floatFromInt(@as(i64, @intCast(number)));
        const value = if (places == 0) size else size / @as(f64, @floatFromInt(@as(i64, @intCast(powers[places]))));
        return if (negative) -value else value;
    }
    if (cursor.skips('e') or cursor.skips('E')) {
        if (!cursor.skips('-')) _ = cursor.skips('+');
        _ = cursor.digits(2) orelse return null;
    }
    const value = std.fmt.parseFloat(f64, cursor.text[start..cursor.at]) catch return null;
    return if (std.math.isFinite(value)) value else null;
}

/// Read a finite number as a 32-bit float, by way of a double.
pub inline fn float(cursor: *Cursor, comptime style: Style) ?f32 {
    const value: f32 = @floatCast(double(cursor, style) orelse return null);
    return if (std.math.isFinite(value)) value else null;
}

const powers = table: {
    var found: [most_digits]u64 = undefined;
    for (&found, 0..) |*power, exponent| power.* = std.math.pow(u64, 10, exponent);
    break :table found;
};

/// Read a decimal in units of its last place: at most `whole` digits before the point and `scale` after it.
pub fn decimal(cursor: *Cursor, comptime style: Style, whole: usize, scale: usize) ?i128 {
    const negative = cursor.skips('-');
    const start = cursor.at;
    var number: u128 = 0;
    while (cursor.digit()) |digit| {
        if (cursor.at - start > 38) return null; // more digits than any decimal has, and than always fit a u128
        number = number * 10 + digit;
    }
    const before = cursor.at - start;
    if (before == 0 or before > @max(whole, 1) or (whole == 0 and number != 0)) return null;
    if (style == .json and cursor.text[start] == '0' and before > 1) return null;
    var behind: usize = 0;
    if (scale > 0 and cursor.skips('.')) {
        while (cursor.digit()) |digit| : (behind += 1) {
            if (behind == scale) return null;
            number = number * 10 + digit; // 38 digits at most, which fit
        }
        if (behind == 0) return null;
    }
    for (behind..scale) |_| number *= 10;
    const size: i128 = @intCast(number);
    return if (negative) -size else size;
}

pub inline fn boolean(cursor: *Cursor) ?bool {
    if (cursor.takes("true")) return true;
    return if (cursor.takes("false")) false else null;
}

/// Skip any JSON value without a quote or a bracket.
pub fn scalar(cursor: *Cursor) bool {
    if (cursor.takes("null")) return true;
    if (boolean(cursor) != null) return true;
    _ = cursor.skips('-');
    const start = cursor.at;
    if (!cursor.skipDigits()) return false;
    if (cursor.text[start] == '0' and cursor.at - start > 1) return false;
    if (cursor.skips('.') and !cursor.skipDigits()) return false;
    if (cursor.skips('e') or cursor.skips('E')) {
        if (!cursor.skips('-')) _ = cursor.skips('+');
        return cursor.skipDigits();
    }
    return true;
}

/// Read a date of the years 1 to 9999, as days since 1970.
pub inline fn date(cursor: *Cursor) ?i32 {
    const day = cursor.ahead(10) orelse return null;
    const year = 100 * (two(day, 0) orelse return null) + (two(day, 2) orelse return null);
    const month = two(day, 5) orelse return null;
    const of_month = two(day, 8) orelse return null;
    if (day[4] != '-' or day[7] != '-' or year == 0 or month < 1 or month > 12) return null;
    if (of_month < 1 or of_month > lengthOfMonth(year, month)) return null;
    cursor.at += 10;
    return daysSince1970(year, month, of_month);
}

/// Read an ISO 8601 time in UTC, to the second or finer, as microseconds since 1970.
pub inline fn timestamp(cursor: *Cursor) ?i64 {
    const day = date(cursor) orelse return null;
    const time = cursor.ahead(9) orelse return null;
    const hour = two(time, 1) orelse return null;
    const minute = two(time, 4) orelse return null;
    const second = two(time, 7) orelse return null;
    if (time[0] != 'T' or time[3] != ':' or time[6] != ':') return null;
    if (hour > 23 or minute > 59 or second > 59) return null;
    cursor.at += 9;
    var microseconds: i64 = 0;
    if (cursor.skips('.')) {
        const point = cursor.at;
        const fraction = cursor.digits(6) orelse return null;
        microseconds = @intCast(fraction * powers[6 - (cursor.at - point)]);
    }
    _ = cursor.skips('Z'); // a time without a zone is in UTC, too
    const seconds: i64 = (@as(i64, hour) * 60 + minute) * 60 + second;
    return (@as(i64, day) * 86_400 + seconds) * 1_000_000 + microseconds;
}

/// Read a count of `unit` microseconds since 1970, up to the year 9999, as microseconds.
pub inline fn since1970(cursor: *Cursor, comptime style: Style, comptime unit: i64) ?i64 {
    const count = integer(cursor, style, i64) orelse return null;
    return if (count < 0 or count > @divTrunc(last_moment, unit)) null else count * unit;
}

const last_moment = 253_402_300_799_999_999;

inline fn two(text: []const u8, at: usize) ?i32 {
    const tens = text[at] -% '0';
    const ones = text[at + 1] -% '0';
    return if (tens > 9 or ones > 9) null else @as(i32, tens) * 10 + ones;
}

inline fn lengthOfMonth(year: i32, month: i32) i32 {
    if (month == 2) return if (@rem(year, 4) == 0 and (@rem(year, 100) != 0 or @rem(year, 400) == 0)) 29 else 28;
    return if (month == 4 or month == 6 or month == 9 or month == 11) 30 else 31;
}

/// In the proleptic Gregorian calendar, with years that begin in March, so that a leap day is the last day.
inline fn daysSince1970(year: i32, month: i32, day: i32) i32 {
    const shifted = if (month > 2) year else year - 1;
    const since_march = @rem(month + 9, 12);
    const of_year = @divTrunc(153 * since_march + 2, 5) + day - 1;
    const leap_days = @divTrunc(shifted, 4) - @divTrunc(shifted, 100) + @divTrunc(shifted, 400);
    return shifted * 365 + leap_days + of_year - 719_468;
}

const testing = std.testing;

fn on(text: []const u8) Cursor {
    return .{ .text = text, .at = 0 };
}

test "integers are read as each style writes them" {
    var at = on("-12,");
    try testing.expectEqual(-12, integer(&at, .json, i32));
    for ([_][]const u8{ "007\n", "-0\n", "-\n", "12345678901234567890\n", "9223372036854775808\n", "\n" }) |text| {
        at = on(text);
        try testing.expectEqual(null, integer(&at, .json, i64));
    }
    at = on("007\n");
    try testing.expectEqual(7, integer(&at, .csv, i32));
    at = on("2147483648\n");
    try testing.expectEqual(null, integer(&at, .csv, i32));
}

test "doubles are rounded once" {
    for ([_][]const u8{ "0.1", "4.35", "9007199254740993", "0.30000000000000004", "1e22", "123456789012345.12345678901234567" }) |text| {
        var buffer: [64]u8 = undefined;
        var at = on(try std.fmt.bufPrint(&buffer, "{s}\n", .{text}));
        if (double(&at, .csv)) |value| try testing.expectEqual(try std.fmt.parseFloat(f64, text), value);
    }
    var at = on("-0\n");
    try testing.expectEqual(null, double(&at, .json));
    at = on("-0\n");
    try testing.expect(std.math.signbit(double(&at, .csv).?));
}

test "decimals are in units of the last place" {
    var at = on("-12.5\n");
    try testing.expectEqual(-1250, decimal(&at, .json, 3, 2));
    for ([_][]const u8{ "1234.5\n", "1.234\n", "1.\n", ".5\n" }) |text| {
        at = on(text);
        try testing.expectEqual(null, decimal(&at, .json, 3, 2));
    }
    at = on("99999999999999999999999999999999999999\n");
    try testing.expectEqual(99999999999999999999999999999999999999, decimal(&at, .csv, 38, 0));
}

test "days are those of the calendar" {
    const known = .{ .{ "1970-01-01\n", 0 }, .{ "2000-02-29\n", 11016 }, .{ "0001-01-01\n", -719162 }, .{ "9999-12-31\n", 2932896 } };
    inline for (known) |pair| {
        var at = on(pair[0]);
        try testing.expectEqual(pair[1], date(&at));
    }
    for ([_][]const u8{ "1900-02-29\n", "2023-04-31\n", "0000-01-01\n", "2023-13-01\n", "2023-1-01\n" }) |text| {
        var at = on(text);
        try testing.expectEqual(null, date(&at));
    }
}

test "moments end with the year 9999" {
    var at = on("253402300799999,");
    try testing.expectEqual(253402300799999000, since1970(&at, .json, 1000));
    for ([_][]const u8{ "-1,", "253402300800000,", "1.5,", "," }) |text| {
        at = on(text);
        const found = since1970(&at, .json, 1000);
        try testing.expect(found == null or at.peek() != ',');
    }
}

test "times are in microseconds" {
    var at = on("1970-01-02T00:00:01.5Z\n");
    try testing.expectEqual(86_401_500_000, timestamp(&at));
    at = on("1969-12-31T23:59:59\n");
    try testing.expectEqual(-1_000_000, timestamp(&at));
}
