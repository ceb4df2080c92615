{% macro version_mark(table, where='true') %}
    {%- set found = ask_once(
        'moment of ' ~ table ~ where,
        'select cast(round(to_unixtime(max(committed_at)) * 1000) as bigint) as moment from '
        ~ metadata_table(table, 'snapshots') ~ ' where ' ~ where
    ).rows[0][0] -%}
    {{ return('' if found is none else '%015d' % (found | int)) }}
{% endmacro %}
