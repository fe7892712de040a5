"""Sound: samples, headers, containers, sinks and the loudspeaker."""
