//! Kinds of values, and the columns that they are written to, in Arrow's layout.

const std = @import("std");
const cursors = @import("cursor.zig");
const positions = @import("positions.zig");
const values = @import("values.zig");
const Cursor = cursors.Cursor;

/// The kinds of values; the same as `Kind` in bronze/kernel.py, in the same order.
pub const Kind = enum(u8) {
    int,
    bigint,
    natural,
    float,
    double,
    decimal,
    boolean,
    date,
    utc_date,
    timestamp,
    recent,
    since_us,
    since_ms,
    string,
    lsn,
    lsn_number,
    binlog,
    digits,
    choice,
    any,
};

/// Memory of the caller; empty if a column needs none.
const Bytes = extern struct {
    first: ?[*]u8,
    size: usize,

    inline fn all(self: Bytes) []u8 {
        return if (self.first) |first| first[0..self.size] else &.{};
    }
};

/// A column of `capacity` rows. Rows that were not read have undefined values.
///
/// `values` has numbers, the offsets of texts, the bits of booleans, the bytes of positions, or the index of a
/// choice. `data` has the bytes of texts, or the words of a choice, separated by zeros; an empty word matches
/// nothing.
pub const Column = extern struct {
    kind: Kind,
    whole: u8, // digits of a decimal before the point
    scale: u8, // and after it
    values: Bytes,
    validity: Bytes,
    data: Bytes,

    inline fn put(self: *const Column, comptime Value: type, row: usize, value: Value) void {
        const size = @sizeOf(Value);
        self.values.all()[row * size ..][0..size].* = std.mem.toBytes(value);
    }

    inline fn offset(self: *const Column, row: usize) usize {
        return std.mem.bytesToValue(u32, self.values.all()[row * 4 ..][0..4]);
    }

    /// Mark all rows as valid, which is the initial state.
    pub fn fill(self: *const Column) void {
        @memset(self.validity.all(), 0xff);
    }

    /// Mark the row as null; a text then has no bytes.
    pub fn clear(self: *const Column, row: usize) void {
        if (self.validity.size == 0) return; // an ignored value
        self.validity.all()[row >> 3] &= ~bitOf(row);
        if (self.kind == .string) self.put(u32, row + 1, @intCast(self.offset(row)));
    }

    /// Undo `clear`, for a row that failed.
    pub fn restore(self: *const Column, row: usize) void {
        if (self.validity.size > 0) self.validity.all()[row >> 3] |= bitOf(row);
    }

    /// Begin a text, discarding what was written of it for a row that failed.
    pub inline fn begin(self: *const Column, row: usize) Text {
        return .{ .column = self, .row = row, .end = self.offset(row) };
    }

    /// Read a value into `row`; false if it is not certainly good. Not for texts of CSV.
    pub inline fn take(self: *const Column, row: usize, cursor: *Cursor, comptime style: values.Style) bool {
        switch (self.kind) {
            .int => self.put(i32, row, values.integer(cursor, style, i32) orelse return false),
            .bigint => self.put(i64, row, values.integer(cursor, style, i64) orelse return false),
            .natural => {
                const number = values.integer(cursor, style, i64) orelse return false;
                if (number < 0) return false;
                self.put(i64, row, number);
            },
            .float => self.put(f32, row, values.float(cursor, style) orelse return false),
            .double => self.put(f64, row, values.double(cursor, style) orelse return false),
            .decimal => {
                var aside = cursor.*; // a copy to pass by address, so that `cursor` can stay in registers
                self.put(i128, row, values.decimal(&aside, style, self.whole, self.scale) orelse return false);
                cursor.at = aside.at;
            },
            .boolean => {
                const value = values.boolean(cursor) orelse return false;
                const bits = &self.values.all()[row >> 3];
                bits.* = if (value) bits.* | bitOf(row) else bits.* & ~bitOf(row);
            },
            .date => self.put(i32, row, values.date(cursor) orelse return false),
            .utc_date => {
                self.put(i32, row, values.date(cursor) orelse return false);
                _ = cursor.skips('Z');
            },
            .timestamp => self.put(i64, row, values.timestamp(cursor) orelse return false),
            .recent => {
                const moment = values.timestamp(cursor) orelse return false;
                if (moment < 0) return false;
                self.put(i64, row, moment);
            },
            .since_us => self.put(i64, row, values.since1970(cursor, style, 1) orelse return false),
            .since_ms => self.put(i64, row, values.since1970(cursor, style, 1000) orelse return false),
            .string => {
                var text = self.begin(row);
                text.add(cursor.until(cursors.JsonStops{}));
                while (cursor.peek() == '\\') {
                    text.add(&.{cursor.unescaped() orelse return false});
                    text.add(cursor.until(cursors.JsonStops{}));
                }
                text.finish();
                const written = text.written();
                if (!cursors.isUtf8(written) or isLeftOut(written)) return false;
            },
            .lsn => return self.position(row, cursor, .lsn),
            .lsn_number => {
                const number = cursor.manyDigits(values.most_digits) orelse return false;
                positions.writeLsn(number, self.values.all()[row * 16 ..][0..16]);
            },
            .binlog => return self.position(row, cursor, .binlog),
            .digits => return self.position(row, cursor, .digits),
            .choice => self.put(u32, row, self.index(cursor.until(cursors.JsonStops{})) orelse return false),
            .any => {
                if (cursor.skips('"')) return skipsText(cursor);
                var aside = cursor.*;
                const found = values.scalar(&aside);
                cursor.at = aside.at;
                return found;
            },
        }
        return true;
    }

    inline fn position(self: *const Column, row: usize, cursor: *Cursor, kind: positions.Kind) bool {
        const width = kind.width();
        return positions.write(kind, cursor.until(cursors.JsonStops{}), self.values.all()[row * width ..][0..width]);
    }

    fn index(self: *const Column, text: []const u8) ?u32 {
        var words = std.mem.splitScalar(u8, self.data.all(), 0);
        var place: u32 = 0;
        while (words.next()) |word| : (place += 1) if (word.len > 0 and std.mem.eql(u8, word, text)) return place;
        return null;
    }
};

/// A text while it is written.
pub const Text = struct {
    column: *const Column,
    row: usize,
    end: usize,

    pub inline fn add(self: *Text, bytes: []const u8) void {
        @memcpy(self.column.data.all()[self.end..][0..bytes.len], bytes);
        self.end += bytes.len;
    }

    pub inline fn written(self: *const Text) []const u8 {
        return self.column.data.all()[self.column.offset(self.row)..self.end];
    }

    pub inline fn finish(self: *const Text) void {
        self.column.put(u32, self.row + 1, @intCast(self.end));
    }
};

/// Skip an ignored JSON text and its closing quote.
inline fn skipsText(cursor: *Cursor) bool {
    while (cursors.isUtf8(cursor.until(cursors.JsonStops{}))) {
        if (cursor.peek() != '\\') return cursor.skips('"');
        _ = cursor.unescaped() orelse return false;
    }
    return false;
}

/// Debezium's placeholders for a value that it does not know; such records are left to the exact rules.
const left_out = [_][]const u8{
    "__debezium_unavailable_value",
    "X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ==",
    "{\"__debezium_unavailable_value\":\"__debezium_unavailable_value\"}",
};

inline fn isLeftOut(text: []const u8) bool {
    inline for (left_out) |known| if (text.len == known.len and std.mem.eql(u8, text, known)) return true;
    return false;
}

inline fn bitOf(row: usize) u8 {
    return @as(u8, 1) << @intCast(row & 7);
}
