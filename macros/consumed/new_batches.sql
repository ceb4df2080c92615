{% macro new_batches(state=none) -%}
    {%- if not execute or is_unit_test() -%}{{ return('true') }}{%- endif -%}
    {%- if state is not none -%}
        {%- set bounds = state_bounds(state) -%}
        _batch > {{ bounds.consumed }} and _batch <= {{ bounds.head }}{{ consumed_mark(state, 'batch', bounds) }}
    {%- else -%}
        {%- set bounds = bronze_bounds() -%}
        {%- set waived = waived_records(only_source()) -%}
        batch > {{ bounds.consumed }} and batch <= {{ bounds.head }}{{ consumed_mark(only_source(), 'batch', bounds) }}
        {%- if waived %}
        and _file_id || ':' || cast(_line as varchar) || ':' || cast(_record as varchar) not in ('{{ waived | join("', '") }}')
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
