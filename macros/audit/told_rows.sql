{% macro told_rows(relation, rule, count) %}
    {%- set rows = 'row' if count | int == 1 else 'rows' -%}
    {{ return(count | int ~ ' ' ~ rows ~ ' where ' ~ rule.name ~ sample_keys(relation, rule.get('broken', ''))) }}
{% endmacro %}
