{% macro new_batches(state=none) -%}
    {%- if not execute -%}{{ return('true') }}{%- endif -%}
    {%- if state is not none -%}
        {%- set bounds = state_bounds(state) -%}
        _batch > {{ bounds.consumed }} and _batch <= {{ bounds.head }}{{ consumed_mark(state, 'batch', bounds) }}
    {%- else -%}
        {%- set bounds = bronze_bounds() -%}
        batch > {{ bounds.consumed }} and batch <= {{ bounds.head }}{{ consumed_mark(only_source(), 'batch', bounds) }}
    {%- endif -%}
{%- endmacro %}
