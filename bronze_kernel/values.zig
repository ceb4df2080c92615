//! Reads values that are certainly good, each from the byte where it begins.
//!
//! Every function gives null for what it is not sure of: that is left to the exact rules.

const std = @import("std");

/// A place in the lines. They end with a newline, which no value contains: whoever has not met it may look
/// at the next byte.
pub const Cursor = struct {
    text: []const u8,
    at: usize,

    pub inline fn peek(self: *const Cursor) u8 {
        return self.text[self.at];
    }

    pub inline fn skips(self: *Cursor, byte: u8) bool {
        const found = self.peek() == byte;
        self.at += @intFromBool(found);
        return found;
    }

    pub inline fn takes(self: *Cursor, wanted: []const u8) bool {
        const end = self.at + wanted.len;
        if (end > self.text.len or !std.mem.eql(u8, self.text[self.at..end], wanted)) return false;
        self.at = end;
        return true;
    }

    /// The digits from here on, as a number; null when there are none, or more than `most`, which is 19 at most.
    pub inline fn digits(self: *Cursor, most: usize) ?u64 {
        var number: u64 = 0;
        const start = self.at;
        while (true) {
            const digit = self.peek() -% '0';
            if (digit > 9) break;
            if (self.at - start == most) return null;
            number = number * 10 + digit;
            self.at += 1;
        }
        return if (self.at == start) null else number;
    }
};

/// Whether numbers are written as in JSON, where none begins with a zero, or as in CSV.
pub const Style = enum { json, csv };

pub inline fn integer(cursor: *Cursor, comptime style: Style, comptime Number: type) ?Number {
    const negative = cursor.skips('-');
    const start = cursor.at;
    const size = cursor.digits(18) orelse return null;
    if (style == .json and cursor.text[start] == '0' and (cursor.at - start > 1 or negative)) return null;
    const number: i64 = if (negative) -@as(i64, @intCast(size)) else @intCast(size);
    return std.math.cast(Number, number);
}

const powers = blk: {
    var table: [23]f64 = undefined;
    var power: f64 = 1;
    for (&table) |*one| {
        one.* = power;
        power *= 10;
    }
    break :blk table;
};

pub inline fn double(cursor: *Cursor, comptime style: Style) ?f64 {
    const begin = cursor.at;
    const negative = cursor.skips('-');
    const start = cursor.at;
    var number = cursor.digits(15) orelse return null;
    const whole = cursor.at - start;
    if (style == .json and cursor.text[start] == '0' and whole > 1) return null;
    var places: usize = 0;
    if (cursor.skips('.')) {
        const from = cursor.at;
        const fraction = cursor.digits(17) orelse return null;
        places = cursor.at - from;
        if (whole + places > 18) return std.fmt.parseFloat(f64, cursor.text[begin..cursor.at]) catch null;
        number = number * std.math.pow(u64, 10, places) + fraction;
    } else if (style == .json and negative and number == 0) return null;
    if (cursor.peek() | 0x20 == 'e') return null;
    if (number > 1 << 53) return std.fmt.parseFloat(f64, cursor.text[begin..cursor.at]) catch null;
    const value = @as(f64, @floatFromInt(number)) / powers[places];
    return if (negative) -value else value;
}

const Lane = @Vector(32, u8);

/// The text up to a quote; null when it holds what JSON escapes, or is no UTF-8.
pub inline fn text(cursor: *Cursor) ?[]const u8 {
    const start = cursor.at;
    var any: u8 = 0;
    while (true) {
        const byte = cursor.peek();
        if (byte == '"') break;
        if (byte == '\\' or byte < 0x20) return null;
        any |= byte;
        cursor.at += 1;
    }
    const found = cursor.text[start..cursor.at];
    return if (any < 0x80 or std.unicode.utf8ValidateSlice(found)) found else null;
}

inline fn two(t: []const u8, at: usize, highest: u64) ?u64 {
    const a = t[at] -% '0';
    const b = t[at + 1] -% '0';
    if (a > 9 or b > 9) return null;
    const n = @as(u64, a) * 10 + b;
    return if (n > highest) null else n;
}

fn days(year: i64, month: i64, day: i64) i64 {
    const y = if (month <= 2) year - 1 else year;
    const era = @divFloor(y, 400);
    const yoe = y - era * 400;
    const mp = @mod(month + 9, 12);
    const doy = @divTrunc(153 * mp + 2, 5) + day - 1;
    const doe = yoe * 365 + @divTrunc(yoe, 4) - @divTrunc(yoe, 100) + doy;
    return era * 146097 + doe - 719468;
}

const month_days = [12]u8{ 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

pub inline fn date(cursor: *Cursor) ?i64 {
    if (cursor.text.len - cursor.at < 11) return null;
    const t = cursor.text[cursor.at..][0..10];
    const century = two(t, 0, 99) orelse return null;
    const of_century = two(t, 2, 99) orelse return null;
    const month = two(t, 5, 12) orelse return null;
    const day = two(t, 8, 31) orelse return null;
    const year = century * 100 + of_century;
    if (t[4] != '-' or t[7] != '-' or month == 0 or day == 0 or year == 0) return null;
    const leap = month == 2 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0);
    if (day > month_days[month - 1] + @as(u64, @intFromBool(leap))) return null;
    cursor.at += 10;
    return days(@intCast(year), @intCast(month), @intCast(day));
}

pub inline fn timestamp(cursor: *Cursor) ?i64 {
    const day = date(cursor) orelse return null;
    if (cursor.text.len - cursor.at < 10) return null;
    const t = cursor.text[cursor.at..][0..9];
    const hour = two(t, 1, 23) orelse return null;
    const minute = two(t, 4, 59) orelse return null;
    const second = two(t, 7, 59) orelse return null;
    if (t[0] != 'T' or t[3] != ':' or t[6] != ':') return null;
    cursor.at += 9;
    var micros: u64 = 0;
    if (cursor.skips('.')) {
        const from = cursor.at;
        micros = cursor.digits(6) orelse return null;
        for (cursor.at - from..6) |_| micros *= 10;
    }
    if (!cursor.skips('Z')) return null;
    const seconds: i64 = @intCast((hour * 60 + minute) * 60 + second);
    return (day * 86400 + seconds) * 1_000_000 + @as(i64, @intCast(micros));
}

inline fn hex(cursor: *Cursor, out: *[8]u8) bool {
    const start = cursor.at;
    while (true) {
        const byte = cursor.peek();
        const is_hex = (byte -% '0' <= 9) or ((byte | 0x20) -% 'a' <= 5);
        if (!is_hex) break;
        if (cursor.at - start == 8) return false;
        cursor.at += 1;
    }
    const size = cursor.at - start;
    if (size == 0) return false;
    @memset(out[0 .. 8 - size], '0');
    for (cursor.text[start..cursor.at], out[8 - size ..]) |byte, *place| place.* = if (byte >= 'a') byte - 32 else byte;
    return true;
}

pub inline fn lsn(cursor: *Cursor, out: *[16]u8) bool {
    return hex(cursor, out[0..8]) and cursor.skips('/') and hex(cursor, out[8..16]);
}
