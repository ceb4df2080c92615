const std = @import("std");
const values = @import("values.zig");
const Cursor = values.Cursor;

pub const Kind = enum(u8) { none, int, bigint, float, double, boolean, date, timestamp, string, any_text, lsn, choice };

/// What stands on each line: bytes that never change, and behind them a value.
pub const Step = extern struct {
    literal: [*]const u8,
    literal_size: usize,
    column: u32,
    kind: Kind,
    quoted: bool,
    nullable: bool,
};

/// Where the values of a column go, as Arrow has them.
pub const Column = extern struct {
    values: [*]u8,
    validity: [*]u8,
    data: [*]u8,
    data_size: usize,
};

pub const Left = extern struct { start: i64, size: i64, line: i64 };

inline fn put(comptime T: type, column: *Column, row: usize, value: T) void {
    const p: [*]align(1) T = @ptrCast(column.values);
    p[row] = value;
}
inline fn mark(column: *Column, row: usize, valid: bool) void {
    const bit = @as(u8, 1) << @intCast(row & 7);
    if (valid) column.validity[row >> 3] |= bit else column.validity[row >> 3] &= ~bit;
}

inline fn takeValue(step: *const Step, columns: [*]Column, row: usize, cursor: *Cursor) bool {
    const column = &columns[step.column];
    switch (step.kind) {
        .none => return true,
        .int => put(i32, column, row, values.integer(cursor, .json, i32) orelse return false),
        .bigint => put(i64, column, row, values.integer(cursor, .json, i64) orelse return false),
        .double => put(f64, column, row, values.double(cursor, .json) orelse return false),
        .float => put(f32, column, row, @floatCast(values.double(cursor, .json) orelse return false)),
        .timestamp => put(i64, column, row, values.timestamp(cursor) orelse return false),
        .date => put(i32, column, row, @intCast(values.date(cursor) orelse return false)),
        .any_text => _ = values.text(cursor) orelse return false,
        .lsn => {
            var out: [16]u8 = undefined;
            if (!values.lsn(cursor, &out)) return false;
            @memcpy(column.data[row * 16 ..][0..16], &out);
        },
        .choice => {
            const found = values.text(cursor) orelse return false;
            var n: i32 = 0;
            var it = std.mem.splitScalar(u8, column.data[0..column.data_size], 0);
            while (it.next()) |o| : (n += 1) if (std.mem.eql(u8, o, found)) {
                put(i32, column, row, n);
                return true;
            };
            return false;
        },
        else => return false,
    }
    return true;
}

export fn read_layout(text: [*]const u8, size: usize, steps: [*]const Step, step_count: usize, columns: [*]Column, lines: [*]i32, left: [*]Left, left_count: *usize) usize {
    const all = steps[0..step_count];
    var cursor = Cursor{ .text = text[0..size], .at = 0 };
    var row: usize = 0;
    var line: i32 = 0;
    var count: usize = 0;
    while (cursor.at < size) : (line += 1) {
        const start = cursor.at;
        const good = for (all) |*step| {
            if (!cursor.takes(step.literal[0..step.literal_size])) break false;
            if (step.kind == .none) continue;
            if (step.nullable) {
                const is_null = cursor.peek() == 'n' and cursor.takes("null");
                mark(&columns[step.column], row, !is_null);
                if (is_null) continue;
            }
            if (step.quoted and !cursor.skips('"')) break false;
            if (!takeValue(step, columns, row, &cursor)) break false;
            if (step.quoted and !cursor.skips('"')) break false;
        } else cursor.skips('\n');
        if (good) {
            lines[row] = line;
            row += 1;
        } else {
            const end = std.mem.indexOfScalarPos(u8, cursor.text, cursor.at, '\n').?;
            left[count] = .{ .start = @intCast(start), .size = @intCast(end - start), .line = line };
            count += 1;
            cursor.at = end + 1;
        }
    }
    left_count.* = count;
    return row;
}
