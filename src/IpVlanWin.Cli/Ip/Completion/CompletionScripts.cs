using IpVlanWin.Cli.Ip.Grammar;

namespace IpVlanWin.Cli.Ip.Completion;

/// <summary>ipvlan completion: the shells' side of it.</summary>
internal static class CompletionScripts
{
    // bash splits words at ':', which IPv6 addresses have: they are joined again, and answers lose what bash believes to be words before.
    private const string Bash =
        """
        _ipvlan() {
            local -a words=()
            local i word joined=0 IFS=$'\n'
            for ((i = 1; i <= COMP_CWORD; i++)); do
                word=${COMP_WORDS[i]}
                if ((${#words[@]} > 0)) && [[ $word == :* || $joined == 1 ]]; then
                    words[-1]+=$word
                else
                    words+=("$word")
                fi
                [[ $word == *: ]] && joined=1 || joined=0
            done
            local current=${words[-1]}
            COMPREPLY=($(ipvlan complete -- "${words[@]}" 2>/dev/null))
            if [[ $current == *:* && $COMP_WORDBREAKS == *:* ]]; then
                local before=${current%"${current##*:}"}
                for i in "${!COMPREPLY[@]}"; do
                    COMPREPLY[i]=${COMPREPLY[i]#"$before"}
                done
            fi
        }
        complete -o default -F _ipvlan ipvlan

        """;

    // Windows PowerShell drops empty arguments of programs.
    private const string PowerShell =
        """"
        Register-ArgumentCompleter -Native -CommandName ipvlan, ipvlan.exe -ScriptBlock {
            param($wordToComplete, $commandAst, $cursorPosition)
            $words = @($commandAst.CommandElements | Select-Object -Skip 1 |
                Where-Object { $_.Extent.EndOffset -lt $cursorPosition } | ForEach-Object { $_.ToString() })
            $words += if ($wordToComplete) { $wordToComplete } else { '""' }
            & $commandAst.CommandElements[0].ToString() complete '--' @words 2>$null | ForEach-Object {
                [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
            }
        }

        """";

    public static Task Print(Words words, Session session)
    {
        // A sourced script must not have the line ends of another system.
        session.Output.Write((words.Required("shell") == "bash" ? Bash : PowerShell).ReplaceLineEndings("\n"));
        return Task.CompletedTask;
    }
}
