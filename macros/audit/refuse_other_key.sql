{% macro refuse_other_key() %}
    {%- set key, given = contract_key(), config.get('unique_key') or [] -%}
    {%- set merged_by = [given] if given is string else given | list -%}
    {%- if key and merged_by | sort != key | sort -%}
        {%- do exceptions.raise_compiler_error(
            this ~ ' merges by ' ~ (merged_by | join(', ') or 'nothing') ~ ', but the key of its contract is '
            ~ key | join(', ') ~ '; nothing was published and readers keep the old data. The merge would overwrite'
            ~ ' other rows: set unique_key in the config of the model to the key of the contract'
        ) -%}
    {%- endif -%}
{% endmacro %}
