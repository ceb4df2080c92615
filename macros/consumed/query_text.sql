{% macro query_text() %}
    {#- Rendered as dbt's parser does it: macros then ask the lake nothing, so what is new in it is not in the text. -#}
    {%- set at_run = {'execute': execute, 'run_started_at': run_started_at, 'invocation_id': invocation_id} -%}
    {%- set fixed = {'execute': false, 'run_started_at': modules.datetime.datetime(1970, 1, 1), 'invocation_id': ''} -%}
    {%- do context.update(fixed) -%}
    {%- set rendered = render(model.raw_code) -%}
    {%- do context.update(at_run) -%}
    {#- Indentation, empty lines and comments on a line of their own do not change what a query returns. -#}
    {%- set lines = [] -%}
    {%- for line in rendered.splitlines() | map('trim') if line and not line.startswith('--') -%}
        {%- do lines.append(line) -%}
    {%- endfor -%}
    {{ return(lines | join('\n')) }}
{% endmacro %}
