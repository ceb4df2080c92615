{% macro sample_keys(staged, broken) %}
    {%- set key = contract_key() | reject('in', personal_columns()) | list -%}
    {%- if not key or not broken -%}{{ return('') }}{%- endif -%}
    {%- set rows = run_query(
        'select ' ~ key | join(', ') ~ ' from ' ~ staged ~ ' where ' ~ broken ~ ' order by ' ~ key | join(', ') ~ ' limit 3'
    ).rows -%}
    {%- set shown = [] -%}
    {%- for row in rows -%}{%- do shown.append(row.values() | join('/')) -%}{%- endfor -%}
    {{ return(', such as ' ~ key | join('/') ~ ' ' ~ shown | join(', ')) }}
{% endmacro %}
