{% macro keep_failures(staged, rules) %}
    {%- set broken = rules | selectattr('broken') | map(attribute='broken') | list -%}
    {%- if not broken -%}{{ return('') }}{%- endif -%}
    {%- set failures = failures_relation() -%}
    {%- do drop_relation(failures) -%}
    {%- set shown = model.columns.keys() | reject('in', personal_columns()) | list -%}
    {%- set rows = 'select ' ~ shown | join(', ') ~ ' from ' ~ staged ~ ' where (' ~ broken | join(') or (') ~ ')' -%}
    {%- do run_query(create_table_as(true, failures, rows, 'sql', true)) -%}
    {{ return(failures.schema ~ '.' ~ failures.identifier) }}
{% endmacro %}
