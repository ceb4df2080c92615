//! Reads certainly good lines into columns, and returns which lines are left.
//!
//! There are two kinds of lines: fields between delimiters (CSV), and values between constant bytes. The exact
//! rules, in Python, read the lines that are left. Which ones are left affects only the speed, never the result.
//! A wrong size from the caller ends the process instead of causing an access out of bounds.

const std = @import("std");
const cursors = @import("cursor.zig");
const columns = @import("columns.zig");
const Column = columns.Column;
const Cursor = cursors.Cursor;

const nowhere = std.math.maxInt(u32);

/// A part of each line: constant bytes, followed by a value if there is a `column`.
const Step = extern struct {
    before: [*]const u8,
    before_size: usize,
    column: u32,
    /// An earlier step whose value must be the same, byte by byte.
    twin: u32,
    quotes: Quotes,
    nullable: bool,
};

/// Whether a value is quoted; the same as `Quotes` in bronze/kernel.py, in the same order.
const Quotes = enum(u8) { none, always, either };

/// The input lines, each with its newline; columns for as many rows; and the results.
///
/// `rows` has the line number of each row. `starts`, `sizes` and `lines` describe the records that are left: offset,
/// size without the last newline, and number of the first line.
const Job = extern struct {
    text: [*]const u8,
    text_size: usize,
    capacity: usize,
    first_line: usize,
    columns: [*]Column,
    columns_size: usize,
    rows: [*]i64,
    starts: [*]i64,
    sizes: [*]i64,
    lines: [*]i64,
    rows_size: usize,
    lines_size: usize,

    fn all(self: *const Job) []Column {
        return self.columns[0..self.columns_size];
    }

    fn begin(self: *const Job) void {
        for (self.all()) |*column| column.fill();
    }

    fn add(self: *Job, line: usize) void {
        self.rows[0..self.capacity][self.rows_size] = @intCast(line);
        self.rows_size += 1;
    }

    fn leave(self: *Job, record: Record) void {
        if (self.rows_size < self.capacity) for (self.all()) |*column| column.restore(self.rows_size);
        const place = self.lines_size;
        self.starts[0..self.capacity][place] = @intCast(record.start);
        self.sizes[0..self.capacity][place] = @intCast(record.next - 1 - record.start);
        self.lines[0..self.capacity][place] = @intCast(record.line);
        self.lines_size += 1;
    }
};

/// A record that begins at `start`, on the line `line`; `next` is the offset after its newline.
const Record = struct { start: usize, next: usize, line: usize, newlines: usize };

/// Read lines with the layout `steps`.
export fn read_layout(job: *Job, steps: [*]const Step, steps_size: usize, spans: [*]Span) void {
    job.begin();
    const layout = Layout{ .steps = steps[0..steps_size], .columns = job.all(), .spans = spans[0..steps_size] };
    var cursor = Cursor{ .text = job.text[0..job.text_size], .at = 0 };
    var line: usize = job.first_line;
    while (cursor.at < cursor.text.len) : (line += 1) {
        const start = cursor.at;
        if (layout.takes(&cursor, job.rows_size)) {
            job.add(line);
        } else {
            cursor.at = 1 + std.mem.indexOfScalarPos(u8, cursor.text, cursor.at, '\n').?;
            job.leave(.{ .start = start, .next = cursor.at, .line = line, .newlines = 1 });
        }
    }
}

/// The position of a value, including its quotes.
const Span = extern struct { start: usize, end: usize };

const Layout = struct {
    steps: []const Step,
    columns: []const Column,
    spans: []Span,

    inline fn takes(self: Layout, cursor: *Cursor, row: usize) bool {
        for (self.steps, 0..) |*step, place| {
            if (!cursor.takes(step.before[0..step.before_size])) return false;
            if (step.column == nowhere) continue;
            const column = &self.columns[step.column];
            if (step.nullable and cursor.peek() == 'n' and cursor.takes("null")) {
                column.clear(row);
                continue;
            }
            const start = cursor.at;
            const quoted = step.quotes != .none and cursor.skips('"');
            if (step.quotes == .always and !quoted) return false;
            if (!column.take(row, cursor, .json)) return false;
            if (quoted and !cursor.skips('"')) return false;
            const span = Span{ .start = start, .end = cursor.at };
            if (step.twin != nowhere and !areAlike(cursor.text, span, self.spans[step.twin])) return false;
            self.spans[place] = span;
        }
        _ = cursor.skips('\r');
        return cursor.skips('\n');
    }
};

fn areAlike(text: []const u8, one: Span, other: Span) bool {
    return std.mem.eql(u8, text[one.start..one.end], text[other.start..other.end]);
}

/// A CSV dialect. `quote` is a newline if nothing is quoted; `escape` is a newline if quotes are doubled.
const Dialect = extern struct {
    delimiter: u8,
    quote: u8,
    escape: u8,
    multiline: bool,
};

/// Read lines whose fields are the columns; `nullable` tells for each whether it may be empty.
export fn read_csv(job: *Job, nullable: [*]const bool, dialect: *const Dialect) void {
    job.begin();
    const csv = Csv{ .columns = job.all(), .nullable = nullable[0..job.columns_size], .dialect = dialect.* };
    var cursor = Cursor{ .text = job.text[0..job.text_size], .at = 0 };
    var line: usize = job.first_line;
    while (cursor.at < cursor.text.len) {
        const start = cursor.at;
        if (csv.takes(&cursor, job.rows_size)) {
            job.add(line);
            line += 1;
        } else {
            const record = csv.record(cursor.text, start, line);
            job.leave(record);
            cursor.at = record.next;
            line += record.newlines;
        }
    }
}

const Csv = struct {
    columns: []const Column,
    nullable: []const bool,
    dialect: Dialect,

    inline fn takes(self: Csv, cursor: *Cursor, row: usize) bool {
        if (cursor.peek() == '\n' or cursor.peek() == '\r') return false; // a blank line is not a row
        for (self.columns, self.nullable, 0..) |*column, nullable, place| {
            if (place > 0 and !cursor.skips(self.dialect.delimiter)) return false;
            if (self.isEmpty(cursor.peek())) {
                if (!nullable) return false;
                column.clear(row);
            } else if (!self.takesField(cursor, column, row)) return false;
        }
        _ = cursor.skips('\r');
        return cursor.skips('\n');
    }

    inline fn isEmpty(self: Csv, next: u8) bool {
        return next -% '0' > 9 and (next == self.dialect.delimiter or next == '\n' or next == '\r');
    }

    inline fn takesField(self: Csv, cursor: *Cursor, column: *const Column, row: usize) bool {
        const quoted = self.dialect.quote != '\n' and cursor.skips(self.dialect.quote);
        const good = switch (column.kind) {
            .string => self.takesText(cursor, column, row, quoted),
            .int, .bigint => good: {
                self.skipBlanks(cursor);
                const good = column.take(row, cursor, .csv);
                self.skipBlanks(cursor);
                break :good good;
            },
            else => column.take(row, cursor, .csv),
        };
        return good and (!quoted or cursor.skips(self.dialect.quote));
    }

    inline fn skipBlanks(self: Csv, cursor: *Cursor) void {
        if (cursor.peek() > ' ') return;
        while (cursor.skips(' ') or (!self.isSign('\t') and cursor.skips('\t'))) {}
    }

    inline fn isSign(self: Csv, byte: u8) bool {
        return byte == self.dialect.delimiter or byte == self.dialect.quote or byte == self.dialect.escape;
    }

    inline fn takesText(self: Csv, cursor: *Cursor, column: *const Column, row: usize, quoted: bool) bool {
        const dialect = self.dialect;
        var text = column.begin(row);
        const stops = cursors.CsvStops{
            .stops = .{ dialect.quote, if (quoted) dialect.escape else dialect.delimiter },
        };
        text.add(cursor.until(stops));
        while (quoted and dialect.escape == '\n') {
            const rest = cursor.ahead(2) orelse return false;
            if (rest[0] != dialect.quote or rest[1] != dialect.quote) break;
            cursor.at += 2;
            text.add(rest[0..1]);
            text.add(cursor.until(stops));
        }
        text.finish();
        const written = text.written();
        return written.len > 0 and cursors.isUtf8(written);
    }

    /// Return the record that begins at `start`; after an odd number of quotes, a newline does not end it.
    fn record(self: Csv, text: []const u8, start: usize, line: usize) Record {
        var found = Record{ .start = start, .next = start, .line = line, .newlines = 0 };
        var inside = false;
        while (found.next < text.len) {
            const end = std.mem.indexOfScalarPos(u8, text, found.next, '\n').?;
            if (self.dialect.multiline) inside = inside != self.hasOddQuotes(text[found.next..end]);
            found.next = end + 1;
            found.newlines += 1;
            if (!inside) break;
        }
        return found;
    }

    fn hasOddQuotes(self: Csv, text: []const u8) bool {
        return std.mem.countScalar(u8, text, self.dialect.quote) % 2 == 1;
    }
};

export fn count_newlines(text: [*]const u8, size: usize) usize {
    return std.mem.countScalar(u8, text[0..size], '\n');
}

comptime {
    _ = @import("numbers.zig"); // for their exports
    _ = @import("sequences.zig");
}
