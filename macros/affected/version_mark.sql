{% macro version_mark(table) %}
    {%- set found = ask_once(
        'select ' ~ moment_text('max(committed_at)') ~ ' as moment from ' ~ metadata_table(table, 'snapshots')
    ).rows[0][0] -%}
    {{ return(found or '') }}
{% endmacro %}
