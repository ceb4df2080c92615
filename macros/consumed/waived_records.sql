{% macro waived_records(bronze) %}
    {%- set waivers = ops_relation('waivers') -%}
    {%- if not is_build() or load_relation(waivers) is none -%}{{ return([]) }}{%- endif -%}
    {%- set places = ask_once(
        "select file || ':' || cast(line as varchar) || ':' || cast(record as varchar) as place"
        ~ ' from (select file, line, record, max_by(expiry, "at") as expiry from ' ~ waivers
        ~ ' where "table" = ' ~ "'" ~ bronze.identifier ~ "' group by file, line, record) as newest"
        ~ ' where expiry >= cast(current_date as varchar) order by place'
    ).columns[0].values() | list -%}
    {%- if places -%}
        {%- do log('Left out of ' ~ bronze ~ ': ' ~ places | length ~ ' of its records (dm quarantine held --waived)', info=true) -%}
    {%- endif -%}
    {{ return(places) }}
{% endmacro %}
