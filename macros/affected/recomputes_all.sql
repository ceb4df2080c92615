{% macro recomputes_all() %}
    {%- set recompute = config.get('meta', {}).get('recompute', 'affected') -%}
    {%- if recompute not in ('affected', 'full') -%}
        {%- do exceptions.raise_compiler_error(this ~ ': meta.recompute is affected or full, not ' ~ recompute) -%}
    {%- endif -%}
    {{ return(recompute == 'full' or from_start()) }}
{% endmacro %}
