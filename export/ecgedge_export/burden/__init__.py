"""AF burden and episodes of long recordings, by stream: what is asked, two ways to answer, the scores."""
