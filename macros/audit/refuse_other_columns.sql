{% macro refuse_other_columns(differences) %}
    {%- if differences -%}
        {%- do exceptions.raise_compiler_error(
            'The contract of ' ~ this ~ ' is broken; nothing was published and readers keep the old data. '
            ~ 'Cast in the last select of the model, or change the contract:\n' ~ differences
        ) -%}
    {%- endif -%}
{% endmacro %}
