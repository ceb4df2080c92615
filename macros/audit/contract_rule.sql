{% macro contract_rule(constraint, columns, staged, merges) %}
    {%- set kind = constraint.type | string -%}
    {%- set shown = columns | join(', ') -%}
    {%- if kind == 'primary_key' -%}
        {%- set value = columns[0] if columns | length == 1 else 'row(' ~ shown ~ ')' -%}
        {{ return({'name': 'the key ' ~ shown ~ ' is a duplicate', 'count': 'count(*) - count(distinct ' ~ value ~ ')'}) }}
    {%- elif kind == 'unique' -%}
        {{ return({'name': shown ~ ' is not unique', 'count': '(' ~ duplicate_count(columns, staged, merges) ~ ')'}) }}
    {%- elif kind == 'not_null' -%}
        {%- set name, fails = shown ~ ' is null', columns[0] ~ ' is null' -%}
    {%- elif kind == 'check' -%}
        {%- set name = (constraint.name or 'a check') ~ ' does not hold (' ~ constraint.expression ~ ')' -%}
        {%- set fails = 'not (' ~ constraint.expression ~ ')' -%}
    {%- else -%}
        {%- do exceptions.raise_compiler_error(this ~ ': no check knows constraints of kind ' ~ kind) -%}
    {%- endif -%}
    {#- A tombstone has only its key and the technical columns; the rest may be null. -#}
    {%- set of_every_row = kind == 'not_null' and (columns[0].startswith('_') or columns[0] in contract_key()) -%}
    {%- set broken = fails if of_every_row else fails ~ ' and ' ~ visible_rows(merges) -%}
    {{ return({'name': name, 'count': 'count_if(' ~ broken ~ ')', 'broken': broken}) }}
{% endmacro %}
